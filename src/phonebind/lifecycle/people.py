"""Who is signed in, and by which session. The person is the token's, never the body's."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from phonebind import databases, life, tokens
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, StorageUnavailable, TokenInvalid
from phonebind.lifecycle.models import Session


@dataclass(frozen=True, slots=True)
class Person:
    """``sid`` is "" where a chain of tokens is older than this app, and has not been refreshed since."""

    user: AbstractBaseUser
    sid: str

    def session(self) -> Session | None:
        """The row of their own session."""
        if not self.sid:
            return None
        return Session.objects.using(databases.primary(Session)).filter(pk=self.sid, user=self.user.pk).first()


def of(request: Request) -> Person:
    """By the access token; by Django's session where front ends keep that. Raises TokenInvalid, StorageUnavailable."""
    found = _by_token(request)
    if found is None and conf.front_end == "session":
        found = _by_session(request)
    if found is None:
        raise TokenInvalid
    return found


def _by_token(request: Request) -> Person | None:
    try:
        found = tokens.Authentication().authenticate(request)
    except APIException as error:
        unavailable = error.status_code == StorageUnavailable.status
        raise _meant(StorageUnavailable if unavailable else TokenInvalid) from error
    if found is None:
        return None
    user, token = found
    return Person(user, str(token.payload.get(life.SID, "")))


def _meant(error: type[PhonebindError]) -> PhonebindError:
    return error()


def _by_session(request: Request) -> Person | None:
    user: Any = getattr(request._request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    return Person(user, str(request._request.session.get(life.SID, "")))
