"""The views that return tokens: for a password, and for a refresh token."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import accounts, binding, limits, tokens
from phonebind.api import serializers
from phonebind.api.base import View


class PasswordView(View):
    actions: ClassVar = {"POST": "password"}

    def post(self, request: Request) -> Response:
        form = serializers.Credentials.read(request.data)
        self.note(mobile=form["username"])
        user = accounts.authenticate(**form, address=limits.client_address(request._request))
        binding.sign_in(request._request, user)
        return self.signed_in(user, method="password")


class RefreshView(View):
    actions: ClassVar = {"POST": "refresh"}

    def post(self, request: Request) -> Response:
        pair = tokens.refresh(serializers.Refresh.read(request.data)["refresh"], request._request)
        self.note(outcome="refreshed")
        return Response(pair)
