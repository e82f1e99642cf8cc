from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("shop.urls")),  # before phonebind's: it has the callback
    path("", include("phonebind.pages.urls")),  # /login/
    path("accounts/", include("allauth.urls")),  # /accounts/login/
    path("admin/", admin.site.urls),
    path("sandbox/", include("phonebind_sandbox.urls")),
]
