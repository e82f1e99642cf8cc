from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("shop.urls")),
    path("", include("phonebind.pages.urls")),
    path("admin/", admin.site.urls),
    path("sandbox/", include("phonebind_sandbox.urls")),
]
