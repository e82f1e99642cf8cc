"""One row for each sign-in, and its refresh tokens as a counter: each is good once.

A token that comes again within ``REFRESH_GRACE`` seconds gets the same successor, letter for letter: an answer was
lost, or two tabs refresh at once. Later, somebody else has it too, and that session ends (RFC 9700, 4.14). The rows are
what decides; the store knows of those that were ended, for access tokens and Django's sessions.
"""

import logging
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.signals import pre_delete
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from phonebind import databases, limits, signals, store
from phonebind.conf import conf
from phonebind.exceptions import StorageUnavailable, TokenInvalid
from phonebind.life import Turn
from phonebind.lifecycle import devices
from phonebind.lifecycle.exceptions import SessionEnded
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount
from phonebind.revocation import MARGIN

_SALT = "phonebind.lifecycle.refresh"
_USER_AGENT = 200

logger = logging.getLogger(__name__)


def begin(
    request: HttpRequest | None,
    user: AbstractBaseUser,
    method: str,
    social_account: SocialAccount | None,
    ends: float,
) -> Turn:
    """A new session and its first token; ``ends`` in seconds since 1970."""
    now = _now()
    session = Session(
        user=user,  # type: ignore[misc]  # whichever model AUTH_USER_MODEL is
        social_account=social_account,
        provider=social_account.provider if social_account else "",
        method=method,
        rotated_at=now,
        created_at=now,
        last_seen_at=now,
        expires_at=datetime.fromtimestamp(ends, UTC),
    )
    if request is not None:
        session.address = limits.client_address(request)
        session.user_agent = _printable(request.headers.get("User-Agent", ""))
        session.device_hash = devices.hash_of(request)
    session.save(using=databases.primary(Session), force_insert=True)
    return _turn(session)


def turn(sid: str, seq: int, user: AbstractBaseUser) -> Turn:
    """The token after the one with ``seq``. Raises SessionEnded, TokenInvalid (the user has no such session)."""
    rows = _rows().filter(pk=_id(sid), user=user.pk)
    now = _now()
    live = rows.filter(seq=seq, ended_at=None, expires_at__gt=now)
    if live.update(seq=F("seq") + 1, rotated_at=now, last_seen_at=now):
        return _made(sid, seq + 1, now)
    session = rows.first()
    if session is None or session.expires_at <= now:
        raise TokenInvalid
    if session.ended_at is not None:
        raise SessionEnded(session.end_reason)
    if session.seq == seq + 1 and (now - session.rotated_at).total_seconds() <= conf.refresh_grace:
        return _turn(session)
    if session.seq <= seq:
        # Of a counter that never was: the database was put back to an older state. Nobody has stolen anything.
        raise TokenInvalid
    end([session], "reuse")
    signals.refresh_token_reused.send_robust(Session, user=user, session=session)
    raise SessionEnded("reuse")


def of(user_pk: Any, using: str | None = None) -> QuerySet[Session]:
    """The sessions of a user that have not ended."""
    return _rows(using).filter(user=user_pk, ended_at=None, expires_at__gt=_now())


def end(sessions: Iterable[Session], reason: str) -> int:
    """End those of them that have not ended. How many there were.

    The rows are ended in the transaction that is open; the store is told twice, since what began before the commit may
    still be answered, and after it the process may be dead.
    """
    ended = 0
    for session in sessions:
        using = session._state.db or databases.primary(Session)
        rows = _rows(using).filter(pk=session.pk, ended_at=None)
        if rows.update(ended_at=_now(), end_reason=reason):
            ended += 1
            _deny(str(session.pk))
            transaction.on_commit(partial(_deny, str(session.pk)), using=using, robust=True)
    return ended


def is_live(sid: str) -> bool:
    """Whether the session has not been ended, as the store knows. Raises StorageUnavailable."""
    return not store.exists(_denied(sid))


def install() -> None:
    """A session ends with the identity that it began with; and a device keeps its name."""
    pre_delete.connect(_on_unbind, sender=SocialAccount, dispatch_uid="phonebind.lifecycle.sessions")
    signals.sign_in_response.connect(devices.remember, dispatch_uid="phonebind.lifecycle.devices")


def _on_unbind(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    # Of the person at that provider, in whichever app of ours: they are unbound together.
    identities = instance.same_person().using(using).values_list("pk", flat=True)
    end(of(instance.user_id, using).filter(social_account__in=list(identities)), "unbound")


def _rows(using: str | None = None) -> QuerySet[Session]:
    return Session.objects.using(using or databases.primary(Session))


def _deny(sid: str) -> None:
    # As long as Django's session of it, or an access token, may live.
    seconds = max(settings.SESSION_COOKIE_AGE, 0) + MARGIN
    try:
        with store.connection() as client:
            client.set(_denied(sid), 1, ex=seconds)
    except StorageUnavailable:
        logger.exception("A session was ended, and its access token is good until it expires: the store is away")


def _denied(sid: str) -> str:
    return store.key("session_ended", sid)


def _turn(session: Session) -> Turn:
    return _made(str(session.pk), session.seq, session.rotated_at)


def _made(sid: str, seq: int, at: datetime) -> Turn:
    jti = salted_hmac(_SALT, f"{sid}:{seq}", algorithm="sha256").hexdigest()[:32]
    return Turn(sid=sid, seq=seq, at=int(at.timestamp()), jti=jti)


def _id(sid: str) -> uuid.UUID:
    """Raises TokenInvalid."""
    with suppress(ValueError):
        return uuid.UUID(sid)
    raise TokenInvalid


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:_USER_AGENT]
