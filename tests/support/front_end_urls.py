"""The URLs of a host whose front end also uses other paths: the host's own lines, before ours."""

from django.urls import URLPattern, URLResolver, include, path

from tests.support.aliases import aliases

urlpatterns: list[URLPattern | URLResolver] = [
    *aliases(),
    path("", include("phonebind.api.urls")),
    path("", include("phonebind.pages.urls")),
]
