"""The URLs of a host whose front end asks at other paths too: its own lines, before ours."""

from django.urls import URLPattern, URLResolver, include, path

from tests.support.aliases import aliases

urlpatterns: list[URLPattern | URLResolver] = [
    *aliases(),
    path("", include("phonebind.api.urls")),
    path("", include("phonebind.pages.urls")),
]
