"""The URLs of these pages. Include them at the same path as ``phonebind.pages.urls``, and before it."""

from django.urls import path

from phonebind.lifecycle.pages import account, identities, mobile, password, sessions, step_up
from phonebind.lifecycle.pages.by_password import by_password
from phonebind.lifecycle.pages.by_sms import by_sms
from phonebind.lifecycle.pages.reset import reset

app_name = "phonebind_account"

urlpatterns = [
    path("login/by/sms/", by_sms, name="sms"),
    path("login/by/password/", by_password, name="password"),
    path("login/by/reset/", reset, name="reset"),
    path("my/", account.account, name="account"),
    path("my/password/", password.password, name="my_password"),
    path("my/password/forgotten/", password.forgotten, name="my_forgotten_password"),
    path("my/mobile/", mobile.mobile, name="my_mobile"),
    path("my/mobile/lost/", mobile.lost, name="my_lost_mobile"),
    path("my/mobile/cancel/", mobile.cancel, name="my_mobile_cancel"),
    path("my/identities/<int:identity_id>/", identities.identity, name="my_identity"),
    path("my/identities/bind/<str:provider>/", identities.binding, name="my_binding"),
    path("my/sessions/", sessions.others, name="my_sessions"),
    path("my/sessions/<uuid:session_id>/", sessions.session, name="my_session"),
    path("my/verification/<str:provider>/", step_up.provider, name="my_verification"),
]
