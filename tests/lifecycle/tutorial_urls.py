"""A host with the course's pages that has installed the account life."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("phonebind.api.urls")),
    path("", include("phonebind.lifecycle.urls")),
]
