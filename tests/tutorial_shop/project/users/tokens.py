"""Tokens as djangorestframework-jwt made and read them: that library does not run on this Django."""

from datetime import UTC, datetime

import jwt
from django.conf import settings
from rest_framework.authentication import BaseAuthentication

from users.models import User


def create_token(user):
    expires = datetime.now(UTC) + settings.JWT_AUTH["JWT_EXPIRATION_DELTA"]
    payload = {"user_id": user.pk, "username": user.username, "exp": expires, "email": user.email}
    return jwt.encode(payload, settings.SECRET_KEY, "HS256")


class NoExceptionJSONWebTokenAuthentication(BaseAuthentication):
    """Takes a token that is no good for none: the cart is for visitors too, who send ``JWT undefined``."""

    def authenticate(self, request):
        word, _, token = request.headers.get("Authorization", "").partition(" ")
        if word != "JWT":
            return None
        try:
            payload = jwt.decode(token, settings.SECRET_KEY, ["HS256"])
            return User.objects.get(username=payload["username"], is_active=True), token
        except (jwt.InvalidTokenError, KeyError, User.DoesNotExist):
            return None

    def authenticate_header(self, request):
        return "JWT"
