"""The reference server's URLs."""

from inspect import unwrap

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views import defaults
from django.views.generic import RedirectView

from phonebind.api.keys import KeysView
from server.schema import SchemaView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="phonebind_pages:login")),
    path("", include("phonebind.api.urls")),
    *([path("", include("phonebind.lifecycle.urls"))] if settings.LIFECYCLE else []),
    *([path(settings.PAGES_PATH, include("phonebind.lifecycle.pages.urls"))] if settings.LIFECYCLE else []),
    path(settings.PAGES_PATH, include("phonebind.pages.urls")),
    path(".well-known/jwks.json", KeysView.as_view()),
    *([path("", include("phonebind.operations.urls"))] if settings.OPERATIONS else []),
    path("schema/", SchemaView.as_view()),
    path("admin/", admin.site.urls),
]
if settings.SANDBOX:
    urlpatterns.append(path("sandbox/", include("phonebind_sandbox.urls")))

# Django's handlers without their check of a CSRF token. The check reads the body, and for a body that cannot be read it
# would turn the client's error into a 500 with a line at ERROR.
handler400 = unwrap(defaults.bad_request)
handler403 = unwrap(defaults.permission_denied)
handler404 = unwrap(defaults.page_not_found)
