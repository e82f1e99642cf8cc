"""The addresses of these pages, to be included where ``phonebind.pages.urls`` is, and before it."""

from django.urls import path

from phonebind.lifecycle.pages.by_password import by_password
from phonebind.lifecycle.pages.by_sms import by_sms
from phonebind.lifecycle.pages.reset import reset

app_name = "phonebind_account"

urlpatterns = [
    path("login/by/sms/", by_sms, name="sms"),
    path("login/by/password/", by_password, name="password"),
    path("login/by/reset/", reset, name="reset"),
]
