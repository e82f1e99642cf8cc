"""The provider class that allauth registers."""

from typing import Any

from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider

from bench.contenders.allauth.qq.views import QQAdapter


class QQProvider(OAuth2Provider):
    id = "qq"
    name = "QQ"
    account_class = ProviderAccount
    oauth2_adapter_class = QQAdapter

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["sub"])

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"email": data["email"], "name": data["name"]}


provider_classes = [QQProvider]
