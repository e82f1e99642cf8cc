from django.urls import include, path

urlpatterns = [
    path("", include("verifications.urls")),
    path("", include("users.urls")),
    path("oauth/", include("oauth.urls")),
    path("", include("carts.urls")),
]
