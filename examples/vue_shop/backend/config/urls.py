from django.urls import include, path

from shop.views import MeView

urlpatterns = [
    path("api/", include("phonebind.api.urls")),
    path("api/me/", MeView.as_view()),
    path("sandbox/", include("phonebind_sandbox.urls")),
]
