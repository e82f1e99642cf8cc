"""The reference server's URLs."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from server.schema import SchemaView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="phonebind_pages:login")),
    path("", include("phonebind.api.urls")),
    path("", include("phonebind.pages.urls")),
    path("schema/", SchemaView.as_view()),
    path("admin/", admin.site.urls),
]
if settings.SANDBOX:
    urlpatterns.append(path("sandbox/", include("phonebind.sandbox.urls")))
