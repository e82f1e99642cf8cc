"""The JWT pair. Only this module and ``token_keys`` use the library."""

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, TypedDict, cast

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldError, ObjectDoesNotExist
from django.db.models import Manager
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as in_their_words
from rest_framework.exceptions import APIException
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken, Token

from phonebind import databases, life, revocation, token_keys
from phonebind.accounts import check_enabled
from phonebind.conf import conf
from phonebind.exceptions import AccountDisabled, StorageUnavailable, TokenInvalid
from phonebind.life import Turn
from phonebind.models import SocialAccount

#: When the person signed in (OpenID Connect's name), in seconds since 1970. Every token of the chain contains it.
AUTH_TIME = "auth_time"
#: The number of this refresh token in its session.
_SEQ = "seq"
_BLACKLIST = "rest_framework_simplejwt.token_blacklist"


class Pair(TypedDict):
    """``token`` is the access token: the contract is older than that name."""

    token: str
    refresh: str


def issue(
    user: AbstractBaseUser,
    auth_time: float | None = None,
    *,
    request: HttpRequest | None = None,
    method: str = "host",
    social_account: SocialAccount | None = None,
) -> Pair:
    """Make a new pair of tokens: ``{"token": access, "refresh": refresh}``.

    Lifetimes and keys are simplejwt's settings.

    ``auth_time`` is when the sign-in began, before the user was read, in seconds since 1970. A password that is changed
    after that moment ends this pair too. The default is now.

    ``request``, ``method`` ("provider", "password", "sms" or "host") and ``social_account`` describe the session, where
    ``phonebind.lifecycle`` keeps sessions.
    """
    if api_settings.UPDATE_LAST_LOGIN and any(field.name == "last_login" for field in user._meta.concrete_fields):
        databases.people().filter(pk=user.pk).update(last_login=timezone.now())
    since = time.time() if auth_time is None else auth_time
    # A request that saved a new password itself begins after that.
    since = max(since, revocation.ended_by(user))
    if not life.installed:
        return _pair(user, since)
    return _pair(user, since, life.installed.begin(request, user, method, social_account, since, _ends(since)))


def _pair(user: AbstractBaseUser, since: float, turn: Turn | None = None) -> Pair:
    refresh = _for_user(user)
    listed_as = refresh.payload.get(api_settings.JTI_CLAIM)
    refresh[AUTH_TIME] = round(since, 6)
    if turn:
        # The same values as before, if this turn is made again. The host decides on the lifetime.
        lifetime = refresh["exp"] - refresh.payload.get("iat", int(time.time()))
        refresh.payload.update({life.SID: turn.sid, "iat": turn.at, "exp": turn.at + lifetime})
        if api_settings.JTI_CLAIM is not None:
            refresh[api_settings.JTI_CLAIM] = turn.jti
    refresh["exp"] = min(refresh["exp"], int(since + conf.sign_in_max_age))
    access = refresh.access_token
    token_keys.sign_with_ours(refresh)
    token_keys.sign_with_ours(access)
    # Otherwise the access token would outlive its session, and could no longer be ended.
    access["exp"] = min(access["exp"], refresh["exp"])
    if turn:
        refresh[_SEQ] = turn.seq
        if apps.is_installed(_BLACKLIST):
            _list_anew(refresh, listed_as)
    return {"token": str(access), "refresh": str(refresh)}


def _list_anew(refresh: Any, listed_as: Any) -> None:
    """simplejwt listed the token with its old id. List it again, since hosts blacklist the listed tokens of a user."""
    listed: Any = apps.get_model(_BLACKLIST.rpartition(".")[2], "OutstandingToken")
    if listed.objects.filter(jti=listed_as).delete()[0]:
        refresh.outstand()


def refresh(token: str, request: HttpRequest | None = None) -> Pair:
    """Trade a refresh token for a new pair, once.

    Raises TokenInvalid (forged, expired, used, ended, of a deleted user, or of a sign-in longer ago than
    ``SIGN_IN_MAX_AGE``), AccountDisabled, StorageUnavailable.
    """
    try:
        old = _read(token)
        user = _PrimaryAuthentication().get_user(old)
    except AuthenticationFailed as error:
        raise (AccountDisabled if _tells_inactive(error) else TokenInvalid) from None
    except (TokenError, FieldError):
        raise TokenInvalid from None
    # It also holds where the host has turned off simplejwt's check.
    check_enabled(user)
    since = _auth_time(old)
    if time.time() >= since + conf.sign_in_max_age:
        raise TokenInvalid
    if life.installed and _is_of_session(old):
        return _pair(user, since, life.installed.turn(str(old[life.SID]), old[_SEQ], user, _ends(since)))
    with _used(user, old):
        # A chain that is older than the app becomes a session here.
        if not life.installed:
            return _pair(user, since)
        return _pair(user, since, life.installed.begin(request, user, "refresh", None, since, _ends(since)))


def retire(token: str) -> str:
    """The session of a refresh token, used or not, which the caller ends. A token without a session is used up here,
    which ends its chain; then the result is "".

    Raises TokenInvalid (forged, expired, used, or of a user who is deleted or disabled), StorageUnavailable.
    """
    try:
        found = _read(token)
        if _is_of_session(found):
            return str(found[life.SID])
        user = _PrimaryAuthentication().get_user(found)
    except (AuthenticationFailed, TokenError, FieldError):
        raise TokenInvalid from None
    with _used(user, found):
        return ""


def _read(token: str) -> RefreshToken:
    """Raises TokenError."""
    return cast("RefreshToken", token_keys.keyed(RefreshToken)(token))


@contextmanager
def _used(user: AbstractBaseUser, refresh: Token) -> Iterator[None]:
    """Use the token up for the block; undo it if the block fails. Raises TokenInvalid, StorageUnavailable."""
    with revocation.used(user.pk, _name(refresh), _auth_time(refresh), int(refresh["exp"] - time.time())):
        if apps.is_installed(_BLACKLIST):
            _, is_first = cast("tuple[Any, bool]", cast("Any", refresh).blacklist())
            if not is_first:
                raise TokenInvalid
        yield


def _is_of_session(refresh: Token) -> bool:
    """Both claims, since a host's own tokens may have had a claim ``sid`` before the app was installed."""
    return life.SID in refresh.payload and isinstance(refresh.payload.get(_SEQ), int)


def _ends(since: float) -> float:
    """When a token ends that is made now, for a sign-in that began at ``since``."""
    leeway = api_settings.LEEWAY
    seconds = leeway.total_seconds() if isinstance(leeway, timedelta) else float(leeway)
    lifetime: float = api_settings.REFRESH_TOKEN_LIFETIME.total_seconds() + seconds
    return min(time.time() + lifetime, since + conf.sign_in_max_age)


class _Users(NamedTuple):
    """The part of the user model that simplejwt uses, on the primary: simplejwt itself may read from a replica."""

    objects: Manager[Any]
    DoesNotExist: type[ObjectDoesNotExist]


class _PrimaryAuthentication(JWTAuthentication):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        model: Any = self.user_model
        users = getattr(model, "objects", model._default_manager).db_manager(databases.primary(model))
        self.user_model: Any = _Users(users, model.DoesNotExist)


class Authentication(_PrimaryAuthentication):
    """For ``DEFAULT_AUTHENTICATION_CLASSES`` of your API: simplejwt's class, and access tokens end with the sign-in.

    It asks Valkey once for each request. With simplejwt's own class, an access token is valid until it expires. This
    class accepts tokens of all keys that verify (``TOKEN_KEYS``); simplejwt's accepts only the present key.
    """

    def get_validated_token(self, raw_token: bytes) -> Token:
        told = []
        for kind in api_settings.AUTH_TOKEN_CLASSES:
            try:
                return cast("Token", token_keys.keyed(kind)(raw_token))
            except TokenError as error:
                names = {"token_class": kind.__name__, "token_type": kind.token_type}
                told.append({**names, "message": error.args[0]})
        raise InvalidToken({"detail": in_their_words("Given token not valid for any token type"), "messages": told})

    def get_user(self, validated_token: Token) -> Any:
        user = super().get_user(validated_token)
        try:
            check_enabled(user)
            if not _is_ended(user.pk, validated_token):
                return user
        except StorageUnavailable as error:
            raise _Unavailable from error
        except (AccountDisabled, TokenInvalid):
            pass
        raise AuthenticationFailed(str(TokenInvalid.message), code=TokenInvalid.code)


class OptionalAuthentication(Authentication):
    """For endpoints that serve visitors too: a token that is not valid counts as no token.

    The pages of a shop keep sending a stored token, to public endpoints as well, and would get 401 there. Where
    a person must be signed in, DRF's permissions still answer 401.
    """

    def authenticate(self, request: Any) -> Any:
        try:
            return super().authenticate(request)
        except AuthenticationFailed:
            return None


class _Unavailable(APIException):
    status_code = StorageUnavailable.status
    default_detail = StorageUnavailable.message
    default_code = StorageUnavailable.code


def _for_user(user: AbstractBaseUser) -> RefreshToken:
    if hasattr(user, api_settings.USER_ID_FIELD):
        # With the host's own claims.
        return cast("RefreshToken", import_string(api_settings.TOKEN_OBTAIN_SERIALIZER).get_token(user))
    # A system check reports it. But a person has signed in, and must not get an error 500.
    token = RefreshToken()
    token[api_settings.USER_ID_CLAIM] = str(user.pk)
    return token


def _is_ended(user_pk: Any, token: Token) -> bool:
    if life.installed and life.SID in token.payload:
        return not life.installed.is_live(user_pk, str(token[life.SID]), _auth_time(token))
    return revocation.is_revoked(user_pk, _auth_time(token))


def _auth_time(token: Token) -> float:
    """Older tokens have no such claim; then the time of issue counts. Raises TokenInvalid."""
    found = token.payload.get(AUTH_TIME, token.payload.get("iat"))
    if not isinstance(found, int | float):
        raise TokenInvalid
    return found


def _name(token: Token) -> str:
    """A hash of the content, not of the text: one signature has several spellings in Base64."""
    return hashlib.sha256(json.dumps(token.payload, sort_keys=True).encode()).hexdigest()


def _tells_inactive(error: AuthenticationFailed) -> bool:
    return isinstance(error.detail, dict) and error.detail.get("code") == "user_inactive"
