"""The callback URL."""

from django.urls import path

from bench.contenders.bare_drf.views import QQUserView

urlpatterns = [path("oauth/qq/user/", QQUserView.as_view())]
