"""The URLs of every OAuth 2 provider."""

from allauth.socialaccount.providers.oauth2.urls import default_urlpatterns

from bench.contenders.allauth.qq.provider import QQProvider

urlpatterns = default_urlpatterns(QQProvider)
