"""The callback URL."""

from django.urls import path

from bench.contenders.limit_in_drf.views import QQUserView

urlpatterns = [path("oauth/qq/user/", QQUserView.as_view())]
