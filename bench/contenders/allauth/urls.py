"""Its own URLs, under the path from its documentation."""

from django.urls import include, path

urlpatterns = [path("accounts/", include("allauth.urls"))]
