"""One row for each sign-in. Its refresh tokens are a counter: each token is good once.

A token that comes again within ``REFRESH_GRACE`` seconds gets exactly the same successor: an answer was lost, or two
tabs refresh at once. If it comes later, another person has it too, and the session ends (RFC 9700, 4.14). ``endings``
describes how sessions end.
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
#: The range that an integer column holds in every database.
_COUNTED = range(2**31)
_TURN = (
    "seq = seq + 1, rotated_at = %s, last_seen_at = %s, expires_at = %s "
    "WHERE id = %s AND user_id = %s AND seq = %s AND ended_at IS NULL AND expires_at > %s"
)
#: The method of a session that continues a chain of tokens from before this app was installed.
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
    """A new session and its first token. ``since``: when the sign-in began; ``ends``: when the session expires. Both
    are seconds since 1970.

    Raises TokenInvalid if the user or the identity was deleted in the meantime.
    """
    now = endings.now()
    session = Session(
        user=user,  # type: ignore[misc]  # the model depends on AUTH_USER_MODEL
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
        # Only the answer to a sign-in gives a device its name.
        session.device_hash = devices.known_hash(request) if method == CONTINUED else devices.hash_of(request)
    _insist(lambda: _insert(session))
    # Check this after the insert. An act that ends all sessions tells the store first, and then ends the rows that it
    # sees. It may not have seen this row.
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
        # The counter never had this value: the database was restored to an older state. No token was stolen.
        raise TokenInvalid
    if endings.end([session], "reuse"):
        signals.refresh_token_reused.send_robust(Session, user=user, session=session)
    raise SessionEnded("reuse")


def of(user_pk: Any, using: str | None = None) -> QuerySet[Session]:
    """The user's sessions that have not ended and have not expired."""
    return endings.rows(using).filter(user=user_pk, ended_at=None, expires_at__gt=endings.now())


def prune(*, days: int, batch: int) -> int:
    """Delete sessions that ended or expired more than ``days`` days ago. Returns their number. Each batch is a
    transaction.
    """
    before = endings.now() - timedelta(days=days)
    over = endings.rows().filter(Q(ended_at__lt=before) | Q(expires_at__lt=before))
    deleted = 0
    # Several statements: MariaDB cannot delete by a subquery with a limit, and one long statement blocks sign-ins.
    while some := list(over.values_list("pk", flat=True)[:batch]):
        deleted += endings.rows().filter(pk__in=some).delete()[0]
    return deleted


def _insert(session: Session) -> None:
    """Raises TokenInvalid."""
    using = databases.primary(Session)
    try:
        # Without an open transaction the insert is its own transaction.
        with transaction.atomic(using) if connections[using].in_atomic_block else nullcontext():
            session.save(using=using, force_insert=True)
    except IntegrityError:
        raise TokenInvalid from None


def _insist(act: Callable[[], T]) -> T:
    """Repeat ``act`` if the database makes it the victim of a conflict with an act that ends other sessions of the
    user. The person has already used up their code, so they could not repeat the request.
    """
    is_inside = connections[databases.primary(Session)].in_atomic_block
    attempts = 0
    while True:
        attempts += 1
        try:
            return act()
        except OperationalError as error:
            if is_inside or attempts == binding.ATTEMPTS or databases.is_lost(error):
                raise


def _tell_of_new_device(request: HttpRequest, session: Session, user: AbstractBaseUser) -> None:
    # Without a receiver no query is sent.
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
