"""One row for each sign-in, and its refresh tokens as a counter: each is good once.

A token that comes again within ``REFRESH_GRACE`` seconds gets the same successor, letter for letter: an answer was
lost, or two tabs refresh at once. Later, somebody else has it too, and that session ends (RFC 9700, 4.14). The rows are
what decides; the store knows of those that were ended, for access tokens and Django's sessions.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_out
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models import Q, QuerySet
from django.db.models.signals import pre_delete
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from phonebind import binding, databases, limits, revocation, signals, store
from phonebind.conf import conf
from phonebind.exceptions import StorageUnavailable, TokenInvalid
from phonebind.life import SID, Turn
from phonebind.lifecycle import devices
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

logger = logging.getLogger(__name__)


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
        # Only an answer to a sign-in gives a device its name.
        session.device_hash = devices.known_hash(request) if method == CONTINUED else devices.hash_of(request)
    _insist(lambda: _insert(session))
    # Only now: what ended everything meanwhile has told the store first, and then has ended the rows that it saw.
    if _was_ended(user.pk, since):
        end([session], "revoked")
    elif request is not None and method != CONTINUED:
        _tell_of_new_device(request, session, user)
    return _turn(session)


def turn(sid: str, seq: int, user: AbstractBaseUser, ends: float) -> Turn:
    """The token after the one with ``seq``. Raises SessionEnded, TokenInvalid (the user has no such session)."""
    pk = _id(sid)
    now = _now()
    expires = datetime.fromtimestamp(ends, UTC)
    values = [
        *(("rotated_at", now), ("last_seen_at", now), ("expires_at", expires)),
        *(("id", pk), ("user", user.pk), ("seq", seq), ("expires_at", now)),
    ]
    if seq in _COUNTED and _insist(lambda: Session.objects.change(_TURN, values)):
        return _made(sid, seq + 1, now)
    session = _rows().filter(pk=pk, user=user.pk).first()
    if session is None or session.expires_at <= now:
        raise TokenInvalid
    if session.ended_at is not None:
        raise SessionEnded(session.end_reason)
    if session.seq == seq + 1 and (now - session.rotated_at).total_seconds() <= conf.refresh_grace:
        return _turn(session)
    if session.seq <= seq:
        # Of a counter that never was: the database was put back to an older state. Nobody has stolen anything.
        raise TokenInvalid
    if end([session], "reuse"):
        signals.refresh_token_reused.send_robust(Session, user=user, session=session)
    raise SessionEnded("reuse")


def of(user_pk: Any, using: str | None = None) -> QuerySet[Session]:
    """The sessions of a user that have not ended, nor expired."""
    return _rows(using).filter(user=user_pk, ended_at=None, expires_at__gt=_now())


def find(sid: str) -> QuerySet[Session]:
    """The one of this id, or none."""
    known = readable(sid)
    return _rows().filter(pk=known) if known else _rows().none()


def readable(sid: Any) -> str:
    """The id of a session as we write it; "" for what is none: a host's own tokens may have a claim of that name."""
    with suppress(ValueError, AttributeError, TypeError):
        return str(uuid.UUID(sid))
    return ""


def end(sessions: Iterable[Session], reason: str) -> int:
    """End those of them that have not ended. How many there were. As many statements for one as for all.

    The rows are ended in the transaction that is open; the store is told twice, since what began before the commit may
    still be answered, and after it the process may be dead.
    """
    if not isinstance(sessions, QuerySet):
        sessions = list(sessions)
        if not sessions:
            return 0
        using = sessions[0]._state.db
        sessions = _rows(using).filter(pk__in=[session.pk for session in sessions])
    using = sessions.db
    can_lock = connections[using].features.has_select_for_update
    with transaction.atomic(using) if can_lock else nullcontext():
        # Locked where there are locks: in one order, so that two who end the same wait for each other once; and as of
        # now, whatever the transaction has read before.
        rows = sessions.filter(ended_at=None).order_by("pk").select_for_update()
        found = list(rows.values_list("user_id", "pk"))
        live = _rows(using).filter(pk__in=[pk for _, pk in found], ended_at=None)
        ended = live.update(ended_at=_now(), end_reason=reason) if found else 0
        if found:
            keys = [_denied(user_pk, str(pk)) for user_pk, pk in found]
            _deny(keys)
            databases.after_commit(using, _deny, keys)
    return ended


def end_all(user_pk: Any, reason: str, using: str | None = None) -> None:
    """End all of a user, and those that begin meanwhile by what is true until the commit: the old password, say."""
    _end_as_of_now(user_pk, reason, using)
    if connections[using or databases.primary(Session)].in_atomic_block:
        databases.after_commit(using or databases.primary(Session), _end_as_of_now, user_pk, reason, using)


def end_others(user_pk: Any, sid: str, reason: str, using: str) -> None:
    """The same, but for the session ``sid``: "" for none."""
    _end_others_as_of_now(user_pk, sid, reason, using)
    databases.after_commit(using, _end_others_as_of_now, user_pk, sid, reason, using)


def is_live(user_pk: Any, sid: str, since: float | None) -> bool:
    """Whether the session, of a sign-in that began ``since``, has not been ended.

    The store alone is asked where it has heard of no end. It hears of one before the commit, which perhaps never came:
    then the row decides, or a session would be refused that can still be refreshed. Raises StorageUnavailable.
    """
    with store.connection() as client:
        denied, all_ended = client.mget(_denied(user_pk, sid), _all_ended(user_pk))
    if denied is None and not (since is not None and revocation.is_before(since, all_ended)):
        return True
    return find(sid).filter(user=user_pk, ended_at=None).exists()


def prune(*, days: int, batch: int) -> int:
    """Delete what ended or expired so long ago; how many there were. Each batch is a transaction of its own."""
    before = _now() - timedelta(days=days)
    over = _rows().filter(Q(ended_at__lt=before) | Q(expires_at__lt=before))
    deleted = 0
    # Not one statement: MariaDB deletes by no subquery with a limit, and a long one stops sign-ins.
    while some := list(over.values_list("pk", flat=True)[:batch]):
        deleted += _rows().filter(pk__in=some).delete()[0]
    return deleted


def install() -> None:
    """A session ends with the identity that it began with; and a device keeps its name."""
    pre_delete.connect(_on_unbind, sender=SocialAccount, dispatch_uid="phonebind.lifecycle.sessions")
    user_logged_out.connect(_on_logout, dispatch_uid="phonebind.lifecycle.sessions.logout")
    signals.sign_in_response.connect(devices.remember, dispatch_uid="phonebind.lifecycle.devices")


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


def _on_unbind(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    # Of the person at that provider, in whichever app of ours: they are unbound together. Locked, so that nobody signs
    # in by them between the end of their sessions and their own.
    identities = instance.same_person().using(using).select_for_update().values_list("pk", flat=True)
    end(_rows(using).filter(user=instance.user_id, social_account__in=list(identities)), "unbound")


def _on_logout(request: HttpRequest, **kwargs: Any) -> None:
    """Receiver of Django's ``user_logged_out``, whoever signs them out."""
    session = getattr(request, "session", None)
    if session is not None and session.get(SID):
        end(find(session[SID]), "signed_out")


def _tell_of_new_device(request: HttpRequest, session: Session, user: AbstractBaseUser) -> None:
    # Nobody who does not listen pays for the question.
    if not signals.new_device.has_listeners(Session):
        return
    older = _rows(session._state.db).filter(user=user.pk).exclude(pk=session.pk)
    if older.exists() and not older.filter(device_hash=session.device_hash).exists():
        signals.new_device.send_robust(Session, request=request, user=user, session=session)


def _end_as_of_now(user_pk: Any, reason: str, using: str | None) -> None:
    _mark(_all_ended(user_pk), user_pk)
    end(_rows(using).filter(user=user_pk), reason)


def _end_others_as_of_now(user_pk: Any, sid: str, reason: str, using: str) -> None:
    _mark(_others_ended(user_pk), user_pk)
    others = _rows(using).filter(user=user_pk)
    end(others.exclude(pk=sid) if sid else others, reason)


def _mark(key: str, user_pk: Any) -> None:
    try:
        revocation.mark(key)
    except Exception:
        # As revocation does: there may be no store at all, in a host's tests.
        logger.exception("The sessions of user %s were ended, and access tokens are good until they expire", user_pk)


def _was_ended(user_pk: Any, since: float) -> bool:
    try:
        with store.connection() as client:
            ended = client.mget(_all_ended(user_pk), _others_ended(user_pk))
    except StorageUnavailable:
        return False
    return any(revocation.is_before(since, each) for each in ended)


def _rows(using: str | None = None) -> QuerySet[Session]:
    return Session.objects.using(using or databases.primary(Session))


def _deny(keys: Sequence[str]) -> None:
    # As long as Django's session of it, or an access token, may live.
    seconds = max(settings.SESSION_COOKIE_AGE, 0) + revocation.MARGIN
    try:
        with store.connection() as client, client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.set(key, 1, ex=seconds)
            pipeline.execute()
    except Exception:
        logger.exception("%s sessions were ended, and their access tokens are good until they expire", len(keys))


def _denied(user_pk: Any, sid: str) -> str:
    return store.key("sessions", str(user_pk)) + f":ended:{sid}"


def _all_ended(user_pk: Any) -> str:
    return store.key("sessions", str(user_pk)) + ":all_ended"


def _others_ended(user_pk: Any) -> str:
    """Nothing that has begun before then by another sign-in, and has no row yet, is to begin a session."""
    return store.key("sessions", str(user_pk)) + ":others_ended"


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
