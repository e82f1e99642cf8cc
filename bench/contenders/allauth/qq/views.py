"""The provider's endpoints, and how its answers identify a person."""

import os
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView, OAuth2LoginView
from django.http import HttpRequest

UPSTREAM = os.environ["BENCH_UPSTREAM"]


class QQAdapter(OAuth2Adapter):
    provider_id = "qq"
    authorize_url = f"{UPSTREAM}/generic/authorize"
    access_token_url = f"{UPSTREAM}/generic/token"
    profile_url = f"{UPSTREAM}/generic/userinfo"

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> SocialLogin:
        with get_adapter().get_requests_session() as session:
            response = session.get(self.profile_url, headers={"Authorization": f"Bearer {token.token}"})
            response.raise_for_status()
        return self.get_provider().sociallogin_from_response(request, response.json())


oauth2_login = OAuth2LoginView.adapter_view(QQAdapter)
oauth2_callback = OAuth2CallbackView.adapter_view(QQAdapter)
