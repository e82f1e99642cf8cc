"""Its own, at the root, where its documentation puts them."""

from django.urls import include, path

urlpatterns = [path("", include("social_django.urls", namespace="social"))]
