"""Beside the contract's own: ``path("", include("phonebind.lifecycle.urls"))``."""

from django.urls import path

from phonebind.lifecycle.api import account, sessions

app_name = "phonebind_lifecycle"

urlpatterns = [
    path("account/", account.AccountView.as_view(), name="account"),
    path("account/password/", account.PasswordView.as_view(), name="password"),
    path("account/mobile/", account.MobileView.as_view(), name="mobile"),
    path("account/sessions/", sessions.SessionsView.as_view(), name="sessions"),
    path("account/sessions/<uuid:session_id>/", sessions.SessionView.as_view(), name="session"),
    path("authorizations/revoke/", sessions.RevokeView.as_view(), name="revoke"),
]
