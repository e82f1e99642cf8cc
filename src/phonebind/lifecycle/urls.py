"""URLs that hosts add to those of the contract: ``path("", include("phonebind.lifecycle.urls"))``."""

from django.urls import path

from phonebind.lifecycle.api import account, identities, ownership, sessions, tutorial, verifications, ways

app_name = "phonebind_lifecycle"

urlpatterns = [
    path("account/", account.AccountView.as_view(), name="account"),
    path("account/password/", account.PasswordView.as_view(), name="password"),
    path("account/mobile/", account.MobileView.as_view(), name="mobile"),
    *tutorial.routes(),
    path("account/sessions/", sessions.SessionsView.as_view(), name="sessions"),
    path("account/sessions/<uuid:session_id>/", sessions.SessionView.as_view(), name="session"),
    path("account/sms_codes/", verifications.SmsCodeView.as_view(), name="account_sms_codes"),
    path("account/verifications/", verifications.VerificationsView.as_view(), name="verifications"),
    path("account/identities/", identities.IdentitiesView.as_view(), name="identities"),
    path("account/identities/<int:identity_id>/", identities.IdentityView.as_view(), name="identity"),
    path("authorizations/sms/", ways.SmsView.as_view(), name="sms_sign_in"),
    path("users/", ways.UsersView.as_view(), name="users"),
    path("password_resets/", ways.ResetsView.as_view(), name="password_resets"),
    path("password_resets/<str:reset_id>/", ways.ResetView.as_view(), name="password_reset"),
    path("ownership/", ownership.OwnershipView.as_view(), name="ownership"),
    path("authorizations/revoke/", sessions.RevokeView.as_view(), name="revoke"),
]
