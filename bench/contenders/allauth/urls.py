"""Its own, under the path that its documentation gives them."""

from django.urls import include, path

urlpatterns = [path("accounts/", include("allauth.urls"))]
