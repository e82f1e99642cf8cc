"""One row for each sign-in, and its refresh tokens as a counter: each is good once.

A token that comes again within ``REFRESH_GRACE`` seconds gets the same successor, letter for letter: an answer was
lost, or two tabs refresh at once. Later, somebody else has it too, and that session ends (RFC 9700, 4.14). How
sessions end: ``endings``.
"""

import uuid
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from phonebind import binding, databases, limits, signals
from phonebind.conf import conf
from phonebind.exceptions import TokenInvalid
from phonebind.life import Turn
from phonebind.lifecycle import devices, endings
from phonebind.lifecycle.exceptions import SessionEnded
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount

_SALT = "phonebind.lifecycle.refresh"
_USER_AGENT = 200
#: What a column of this kind holds in every database.
_COUNTED = range(2**31)
_TURN = (
    "seq = seq + 1, rotated_at = %s, last_seen_at = %s, expires_at = %s "
    "WHERE id = %s AND user_id = %s AND seq = %s AND ended_at IS NULL AND expires_at > %s"
)
#: How a chain of tokens that is older than the app becomes a session.
CONTINUED = "refresh"

T = TypeVar("T")


def begin(
    request: HttpRequest | None,
    user: AbstractBaseUser,
    method: str,
    social_account: SocialAccount | None,
    since: float,
    ends: float,
) -> Turn:
    """A new session and its first token; ``since``, when the sign-in began, and ``ends`` in seconds since 1970.

    Raises TokenInvalid: the user or the identity has been deleted meanwhile.
    """
    now = endings.now()
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
        # Only an answer to a sign-in gives a device its name.
        session.device_hash = devices.known_hash(request) if method == CONTINUED else devices.hash_of(request)
    _insist(lambda: _insert(session))
    # Only now: what ended everything meanwhile has told the store first, and then has ended the rows that it saw.
    if endings.was_ended(user.pk, since):
        endings.end([session], "revoked")
    elif request is not None and method != CONTINUED:
        _tell_of_new_device(request, session, user)
    return _turn(session)


def turn(sid: str, seq: int, user: AbstractBaseUser, ends: float) -> Turn:
    """The token after the one with ``seq``. Raises SessionEnded, TokenInvalid (the user has no such session)."""
    pk = _id(sid)
    now = endings.now()
    expires = datetime.fromtimestamp(ends, UTC)
    values = [
        *(("rotated_at", now), ("last_seen_at", now), ("expires_at", expires)),
        *(("id", pk), ("user", user.pk), ("seq", seq), ("expires_at", now)),
    ]
    if seq in _COUNTED and _insist(lambda: Session.objects.change(_TURN, values)):
        return _made(sid, seq + 1, now)
    session = endings.rows().filter(pk=pk, user=user.pk).first()
    if session is None or session.expires_at <= now:
        raise TokenInvalid
    if session.ended_at is not None:
        raise SessionEnded(session.end_reason)
    if session.seq == seq + 1 and (now - session.rotated_at).total_seconds() <= conf.refresh_grace:
        return _turn(session)
    if session.seq <= seq:
        # Of a counter that never was: the database was put back to an older state. Nobody has stolen anything.
        raise TokenInvalid
    if endings.end([session], "reuse"):
        signals.refresh_token_reused.send_robust(Session, user=user, session=session)
    raise SessionEnded("reuse")


def of(user_pk: Any, using: str | None = None) -> QuerySet[Session]:
    """The sessions of a user that have not ended, nor expired."""
    return endings.rows(using).filter(user=user_pk, ended_at=None, expires_at__gt=endings.now())


def prune(*, days: int, batch: int) -> int:
    """Delete what ended or expired so long ago; how many there were. Each batch is a transaction of its own."""
    before = endings.now() - timedelta(days=days)
    over = endings.rows().filter(Q(ended_at__lt=before) | Q(expires_at__lt=before))
    deleted = 0
    # Not one statement: MariaDB deletes by no subquery with a limit, and a long one stops sign-ins.
    while some := list(over.values_list("pk", flat=True)[:batch]):
        deleted += endings.rows().filter(pk__in=some).delete()[0]
    return deleted


def _insert(session: Session) -> None:
    """Raises TokenInvalid."""
    using = databases.primary(Session)
    try:
        # Alone it is its own transaction.
        with transaction.atomic(using) if connections[using].in_atomic_block else nullcontext():
            session.save(using=using, force_insert=True)
    except IntegrityError:
        raise TokenInvalid from None


def _insist(act: Callable[[], T]) -> T:
    """Where the database has it lose against what ends other sessions of the user, it is tried again: whoever has come
    in has used up their code.
    """
    is_inside = connections[databases.primary(Session)].in_atomic_block
    attempts = 0
    while True:
        attempts += 1
        try:
            return act()
        except OperationalError:
            if is_inside or attempts == binding.ATTEMPTS:
                raise


def _tell_of_new_device(request: HttpRequest, session: Session, user: AbstractBaseUser) -> None:
    # Nobody who does not listen pays for the question.
    if not signals.new_device.has_listeners(Session):
        return
    older = endings.rows(session._state.db).filter(user=user.pk).exclude(pk=session.pk)
    if older.exists() and not older.filter(device_hash=session.device_hash).exists():
        signals.new_device.send_robust(Session, request=request, user=user, session=session)


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


def _printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:_USER_AGENT]
