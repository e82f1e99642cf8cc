"""Its own URLs at the root, as in its documentation."""

from django.urls import include, path

urlpatterns = [path("", include("social_django.urls", namespace="social"))]
