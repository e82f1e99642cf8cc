"""The callback URL."""

from django.urls import path

from bench.contenders.tutorial.views import QQUserView

urlpatterns = [path("oauth/qq/user/", QQUserView.as_view())]
