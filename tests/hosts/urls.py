from django.apps import apps
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("phonebind.api.urls")),
    *([path("", include("phonebind.lifecycle.pages.urls"))] if apps.is_installed("phonebind.lifecycle") else []),
    path("", include("phonebind.pages.urls")),
    *([path("", include("phonebind.lifecycle.urls"))] if apps.is_installed("phonebind.lifecycle") else []),
    path("admin/", admin.site.urls),
]
