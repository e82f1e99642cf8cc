"""Beside the contract's own: ``path("", include("phonebind.lifecycle.urls"))``."""

from django.urls import path

from phonebind.lifecycle.api import account, identities, ownership, sessions, tutorial, verifications

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
    path("ownership/", ownership.OwnershipView.as_view(), name="ownership"),
    path("authorizations/revoke/", sessions.RevokeView.as_view(), name="revoke"),
]
