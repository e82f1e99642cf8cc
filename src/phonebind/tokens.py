"""The JWT pair; the only file that knows the library."""

from typing import TypedDict

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.tokens import RefreshToken

from phonebind.accounts import check_enabled
from phonebind.exceptions import AccountDisabled, TokenInvalid


class Pair(TypedDict):
    """``token`` is the access token: the contract is older than that name."""

    token: str
    refresh: str


def issue(user: AbstractBaseUser) -> Pair:
    """A new pair; lifetimes and keys are simplejwt's settings."""
    refresh = RefreshToken.for_user(user)
    return {"token": str(refresh.access_token), "refresh": str(refresh)}


def refresh(token: str) -> Pair:
    """A new pair for a refresh token; where simplejwt's blacklist app is installed the old one is used up.

    Raises TokenInvalid (forged, expired, used, of a deleted user, of an older password), AccountDisabled.
    """
    try:
        old = RefreshToken(token)  # type: ignore[arg-type]
        user = JWTAuthentication().get_user(old)
    except AuthenticationFailed as error:
        raise (AccountDisabled if _tells_inactive(error) else TokenInvalid) from None
    except TokenError:
        raise TokenInvalid from None
    # Where the host has turned simplejwt's own check off, ours stands.
    check_enabled(user)
    if apps.is_installed("rest_framework_simplejwt.token_blacklist"):
        old.blacklist()
    return issue(user)


def _tells_inactive(error: AuthenticationFailed) -> bool:
    return isinstance(error.detail, dict) and error.detail.get("code") == "user_inactive"
