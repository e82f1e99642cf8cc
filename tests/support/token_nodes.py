"""One process that acts as one node and then as another, by changing its token keys."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework_simplejwt import state
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from phonebind import jwk, tokens
from phonebind.exceptions import TokenInvalid
from tests.support.edge import Configure
from tests.support.key_pairs import KeyPair, key_pair, public_jwk

PAIR, NEXT, FORMER = (key_pair("ES256", number) for number in (1, 2, 3))
OTHER_SECRET = "of-a-former-release-" * 3

#: The backend of simplejwt's own classes. It is created at its first load: here, before any node has another key.
SIMPLEJWTS = state.token_backend

#: A function that sets a node's settings: the key that signs, and the further keys that verify.
Node = Callable[..., None]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, phonebind: Configure, settings: Settings) -> Node:
    """Become another node: one with a pair that signs, or else with the secret; and with other keys that verify."""
    secret = settings.SECRET_KEY

    def become(pair: KeyPair | str | None = None, *others: tuple[str, str], former: tuple[str, ...] = ()) -> None:
        ours = pair.settings if isinstance(pair, KeyPair) else {"ALGORITHM": "HS256", "VERIFYING_KEY": ""}
        if not isinstance(pair, KeyPair):
            settings.SECRET_KEY = pair or secret
            ours["SIGNING_KEY"] = settings.SECRET_KEY
        for name, value in ours.items():
            monkeypatch.setattr(api_settings, name, value)
        settings.SECRET_KEY_FALLBACKS = list(former)
        phonebind(token_keys=others)

    return become


@pytest.fixture
def user() -> AbstractUser:
    user = get_user_model()(username="li", mobile="13900000001", password="!")
    user.save()
    return user


def whose(token: str) -> Any:
    """The user that our Authentication finds, as in a host's API."""
    request: Any = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    found: Any = tokens.Authentication().authenticate(request)
    return found[0]


def is_good(token: str) -> bool:
    try:
        return whose(token) is not None
    except InvalidToken:
        return False


def signs_in_again(refresh: str) -> bool:
    try:
        return bool(tokens.refresh(refresh))
    except TokenInvalid:
        return False


def claims(user: AbstractUser, kind: type[AccessToken | RefreshToken] = AccessToken) -> dict[str, Any]:
    return dict(kind.for_user(user).payload)


def signed(payload: dict[str, Any], pair: KeyPair, **more: Any) -> str:
    """With the name that belongs to the key, if no other name is given."""
    own = jwk.thumbprint(public_jwk(pair.public))
    return jwt.encode(payload, pair.private, pair.algorithm, {"kid": own, **more})
