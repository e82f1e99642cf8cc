"""Beside the contract's own: ``path("", include("phonebind.lifecycle.urls"))``."""

from django.urls import path

from phonebind.lifecycle.api import sessions

app_name = "phonebind_lifecycle"

urlpatterns = [
    path("account/sessions/", sessions.SessionsView.as_view(), name="sessions"),
    path("account/sessions/<uuid:session_id>/", sessions.SessionView.as_view(), name="session"),
    path("authorizations/revoke/", sessions.RevokeView.as_view(), name="revoke"),
]
