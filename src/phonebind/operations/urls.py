"""The addresses of this app."""

from django.urls import URLPattern, URLResolver

app_name = "phonebind_operations"
urlpatterns: list[URLPattern | URLResolver] = []
