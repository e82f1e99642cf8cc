"""The callback, and all the code that it needs."""

import ssl

import urllib3
from django.conf import settings
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import RefreshToken

from bench.shop.models import QQAccount

qq = urllib3.connection_from_url(
    settings.QQ_URL,
    maxsize=settings.QQ_CONNECTIONS,
    ssl_context=ssl.create_default_context(),
    retries=False,
    timeout=5,
)


class QQUserView(APIView):
    """Answers with a pair of JWTs for people who are bound."""

    def get(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if not code:
            raise ParseError
        grant = qq.request(
            "GET",
            "/oauth2.0/token",
            fields={
                "grant_type": "authorization_code",
                "client_id": settings.QQ_CLIENT_ID,
                "client_secret": settings.QQ_CLIENT_SECRET,
                "code": code,
                "redirect_uri": settings.QQ_REDIRECT_URI,
                "fmt": "json",
                "need_openid": "1",
            },
        ).json()
        if "openid" not in grant:
            raise AuthenticationFailed
        account = get_object_or_404(QQAccount.objects.select_related("user"), openid=grant["openid"])
        user, refresh = account.user, RefreshToken.for_user(account.user)
        return Response(
            {"token": str(refresh.access_token), "refresh": str(refresh), "user_id": user.pk, "username": user.username}
        )
