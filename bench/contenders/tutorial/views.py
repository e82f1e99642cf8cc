"""The callback view."""

import logging

from django.core import signing
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from bench.contenders.tutorial import qq
from bench.shop.models import QQAccount

logger = logging.getLogger(__name__)


class QQUserView(APIView):
    """Answers with a JWT for people who are bound, and with a ticket for the bind form for others."""

    def get(self, request: Request) -> Response:
        code = request.query_params.get("code")
        if not code:
            return Response({"message": "缺少code"}, status=status.HTTP_400_BAD_REQUEST)
        try:
            openid = qq.fetch_openid(qq.fetch_access_token(code))
        except (qq.QQError, OSError, ValueError):
            logger.exception("QQ")
            return Response({"message": "QQ服务异常"}, status=status.HTTP_503_SERVICE_UNAVAILABLE)
        try:
            account = QQAccount.objects.get(openid=openid)
        except QQAccount.DoesNotExist:
            return Response({"access_token": signing.dumps({"openid": openid})})
        user = account.user
        return Response({"token": str(AccessToken.for_user(user)), "user_id": user.pk, "username": user.username})
