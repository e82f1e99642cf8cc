"""Who is signed in, and by which session. The person is the token's, never the body's."""

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
    """``sid`` is "" where a chain of tokens is older than this app, and has not been refreshed since."""

    user: AbstractBaseUser
    sid: str
    #: The hash of the name that their device has brought; "" for one that keeps none.
    device: str = ""

    @property
    def holder(self) -> str:
        """Whom SMS codes are for that they ask for: this user in this session, and nobody else. Raises TokenInvalid."""
        return f"account:{self.user.pk}:{self.need_session()}"

    def need_session(self) -> str:
        """``sid``, for what is bound to a session. Raises TokenInvalid where there is none: a refresh makes one."""
        if not self.sid:
            raise TokenInvalid
        return self.sid

    def session(self) -> Session | None:
        """The row of their own session."""
        if not self.sid:
            return None
        return Session.objects.using(databases.primary(Session)).filter(pk=self.sid, user=self.user.pk).first()


def of(request: Request) -> Person:
    """By the access token; by Django's session where front ends keep that. Raises TokenInvalid, OriginNotAllowed,
    StorageUnavailable.
    """
    found = _by_token(request)
    if found is None and conf.front_end == "session":
        found = _by_session(request._request)
        if found is not None and request.method != "GET":
            # A cookie comes along with what another site's page sends, too.
            origins.check_origin(request._request)
    if found is None:
        raise TokenInvalid
    return found


def of_page(request: HttpRequest) -> Person:
    """Who looks at a page: by Django's session. Raises TokenInvalid, StorageUnavailable."""
    found = _by_session(request)
    if found is None:
        raise TokenInvalid
    return found


def locked(user_pk: Any) -> AbstractBaseUser | None:
    """The user as they are now, and stay until the transaction that is open ends."""
    return databases.people().select_for_update().filter(pk=user_pk).first()


def hold(user: AbstractBaseUser, mobile: str) -> None:
    """``user``, who was found by this mobile, keeps it until the transaction that is open ends.

    Raises IntegrityError, as a constraint does: it has left them meanwhile, and the act begins anew.
    """
    if not _held().filter(pk=user.pk, **{conf.mobile_field: accounts.stored(mobile)}).values_list("pk"):
        raise IntegrityError("The mobile is no longer this user's")


def held(user_pk: Any) -> AbstractBaseUser | None:
    """As :func:`locked`, but not against rows that point at the user: a sign-in that adopts holds an identity's, and
    writes such a one.
    """
    return _held().filter(pk=user_pk).first()


def _held() -> "QuerySet[AbstractBaseUser]":
    people = databases.people()
    return people.select_for_update(no_key=connections[people.db].features.has_select_for_no_key_update)


def sign_out_others(person: Person) -> None:
    """End all that they have begun but what they are signed in by: Django's sessions that have outlived their row, and
    chains of tokens that no session keeps, too. Such a chain cannot be told from one's own by who has no session yet.
    """
    if person.session() is None:
        endings.end(endings.rows().filter(user=person.user.pk), "revoked")
    else:
        endings.end_others(person.user.pk, person.sid, "revoked")


def lock(person: Person) -> AbstractBaseUser:
    """The same, where they may still come in, and by this session: what ended it may have been decided meanwhile.

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
    """Read anew: DRF has put nobody in the place of who came with the request. Raises StorageUnavailable."""
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
