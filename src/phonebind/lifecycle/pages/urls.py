"""The addresses of these pages, to be included where ``phonebind.pages.urls`` is, and before it."""

from django.urls import URLPattern

app_name = "phonebind_account"

urlpatterns: list[URLPattern] = []
