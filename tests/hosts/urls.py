from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("phonebind.api.urls")),
    path("", include("phonebind.pages.urls")),
    path("admin/", admin.site.urls),
]
