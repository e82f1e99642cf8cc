"""The person who is signed in, and their session. The token says who it is, never the body of a request."""

from dataclasses import dataclass
from typing import Any

from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, connections
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from phonebind import accounts, databases, life, origins, revocation, store, tokens
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, StorageUnavailable, TokenInvalid
from phonebind.lifecycle import devices, endings
from phonebind.lifecycle.exceptions import SessionEnded
from phonebind.lifecycle.models import Session
from phonebind.pages.middleware import AUTH_TIME


@dataclass(frozen=True, slots=True)
class Person:
    """``sid`` is "" if the chain of tokens is older than this app and has not been refreshed since."""

    user: AbstractBaseUser
    sid: str
    #: The hash of the name that the person's device has sent; "" for a device without a name.
    device: str = ""

    @property
    def holder(self) -> str:
        """The holder of the SMS codes that the person asks for: this user in this session. Raises TokenInvalid."""
        return f"account:{self.user.pk}:{self.need_session()}"

    def need_session(self) -> str:
        """``sid``, for things that belong to a session. Raises TokenInvalid if there is none: a refresh makes one."""
        if not self.sid:
            raise TokenInvalid
        return self.sid

    def session(self) -> Session | None:
        """The row of the person's current session."""
        if not self.sid:
            return None
        return Session.objects.using(databases.primary(Session)).filter(pk=self.sid, user=self.user.pk).first()


def of(request: Request) -> Person:
    """The person of the access token, or of Django's session if front ends keep one. Raises TokenInvalid,
    OriginNotAllowed, StorageUnavailable.
    """
    found = _by_token(request)
    if found is None and conf.front_end == "session":
        found = _by_session(request._request)
        if found is not None and request.method != "GET":
            # The browser also sends the cookie with a request that another site's page makes.
            origins.check_origin(request._request)
    if found is None:
        raise TokenInvalid
    return found


def of_page(request: HttpRequest) -> Person:
    """The person who looks at a page, by Django's session. Raises TokenInvalid, StorageUnavailable."""
    found = _by_session(request)
    if found is None:
        raise TokenInvalid
    return found


def locked(user_pk: Any) -> AbstractBaseUser | None:
    """The current row of the user. It is locked until the open transaction ends."""
    return databases.people().select_for_update().filter(pk=user_pk).first()


def hold(user: AbstractBaseUser, mobile: str) -> None:
    """Keep the mobile with ``user``, who was found by it, until the open transaction ends.

    Raises IntegrityError, as a constraint would, if the user has lost the mobile in the meantime. The operation is
    repeated then.
    """
    if not _held().filter(pk=user.pk, **{conf.mobile_field: accounts.stored(mobile)}).values_list("pk"):
        raise IntegrityError("The mobile is no longer this user's")


def held(user_pk: Any) -> AbstractBaseUser | None:
    """Like :func:`locked`, but other transactions can still write rows that point at the user. A sign-in that adopts an
    identity locks the identity's row and writes such a row.
    """
    return _held().filter(pk=user_pk).first()


def _held() -> "QuerySet[AbstractBaseUser]":
    people = databases.people()
    return people.select_for_update(no_key=connections[people.db].features.has_select_for_no_key_update)


def sign_out_others(person: Person) -> None:
    """End all sign-ins of the person but the current one. Django's sessions whose row was deleted end too, and so do
    chains of tokens without a session. If the person has no session yet, only rows end: their own chain of tokens
    cannot be told from the others.
    """
    if person.session() is None:
        endings.end(endings.rows().filter(user=person.user.pk), "revoked")
    else:
        endings.end_others(person.user.pk, person.sid, "revoked")


def lock(person: Person) -> AbstractBaseUser:
    """The person's row, locked, if they may still sign in and their session is live. Something may have ended the
    session in the meantime.

    Raises TokenInvalid, SessionEnded, AccountDisabled.
    """
    user = locked(person.user.pk)
    if user is None:
        raise TokenInvalid
    accounts.check_enabled(user)
    session = person.session()
    if session is not None and session.ended_at is not None:
        raise SessionEnded(session.end_reason)
    return user


def _by_token(request: Request) -> Person | None:
    try:
        found = tokens.Authentication().authenticate(request)
    except APIException as error:
        unavailable = error.status_code == StorageUnavailable.status
        raise _meant(StorageUnavailable if unavailable else TokenInvalid) from error
    if found is None:
        return None
    user, token = found
    sid = endings.readable(token.payload.get(life.SID))
    return Person(user, sid, devices.known_hash(request._request))


def _meant(error: type[PhonebindError]) -> PhonebindError:
    return error()


def _by_session(request: HttpRequest) -> Person | None:
    """Read the user from Django's session again: DRF has not replaced the user of the request. Raises
    StorageUnavailable.
    """
    session = getattr(request, "session", None)
    if session is None:
        return None
    with store.failures():
        user: Any = auth.get_user(request)
        sid, began = endings.readable(session.get(life.SID)), session.get(AUTH_TIME)
    if not user.is_authenticated or (sid and not endings.is_live(user.pk, sid, began)):
        return None
    if not sid and began is not None and revocation.is_revoked(user.pk, began):
        return None
    return Person(user, sid, devices.known_hash(request))
