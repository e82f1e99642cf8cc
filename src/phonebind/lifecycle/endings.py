"""The end of sessions, and whether a session has ended.

The rows decide. The store hears of each end too. Access tokens and Django's sessions ask the store first, so a request
in a session that has not ended costs no query.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.db import connections, transaction
from django.db.models import QuerySet
from django.db.models.signals import pre_delete
from django.http import HttpRequest

from phonebind import databases, revocation, signals, store
from phonebind.exceptions import DATABASE_DOWN, StorageUnavailable
from phonebind.life import SID
from phonebind.lifecycle import attempts
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount

logger = logging.getLogger(__name__)


def end(sessions: Iterable[Session], reason: str) -> int:
    """End those sessions that have not ended, and return how many there were. The number of statements is the same for
    one session as for all.

    The rows change in the open transaction. The store is told twice, before the commit and after it: requests that
    began before the commit may still be answered, and after the commit the process may die before it tells the store.
    Without an open transaction the operation is repeated when the database makes it the victim of a deadlock: MariaDB
    finds rows by the user or by their key, and of two transactions that end the same row it chooses one as the victim.
    Raises StorageUnavailable.
    """
    if not isinstance(sessions, QuerySet):
        sessions = list(sessions)
        if not sessions:
            return 0
        using = sessions[0]._state.db
        sessions = rows(using).filter(pk__in=[session.pk for session in sessions])
    act = partial(_end, sessions, reason)
    return act() if connections[sessions.db].in_atomic_block else attempts.at_last(act)


def _end(sessions: QuerySet[Session], reason: str) -> int:
    using = sessions.db
    is_one = connections[using].features.has_select_for_update or signals.committing.has_listeners(Session)
    with transaction.atomic(using) if is_one else nullcontext():
        # Lock the rows where the database has locks. All transactions lock in one order, so two that end the same rows
        # wait for each other only once. The lock also reads the current rows, not those that the transaction has read
        # before.
        locked = sessions.filter(ended_at=None).order_by("pk").select_for_update()
        found = list(locked.values_list("user_id", "pk"))
        live = rows(using).filter(pk__in=[pk for _, pk in found], ended_at=None)
        ended = live.update(ended_at=now(), end_reason=reason) if found else 0
        if found:
            keys = [_denied(user_pk, str(pk)) for user_pk, pk in found]
            _deny(keys)
            databases.after_commit(using, _deny, keys)
            facts = [{"user_id": user_pk, "session": pk, "reason": reason} for user_pk, pk in found]
            signals.committing.send(Session, act="session-revoked", facts=facts, using=using)
        if ended:
            databases.after_commit(using, _tell, reason, ended)
    return ended


def end_all(user_pk: Any, reason: str, using: str | None = None) -> None:
    """End all sessions of a user. This includes those that begin before the commit with what is valid until then, such
    as the old password.
    """
    _end_as_of_now(user_pk, reason, using)
    if connections[using or databases.primary(Session)].in_atomic_block:
        databases.after_commit(using or databases.primary(Session), _once_more, _end_as_of_now, user_pk, reason, using)


def end_others(user_pk: Any, sid: str, reason: str, using: str | None = None) -> None:
    """Like :func:`end_all`, but the session ``sid`` stays ("" for none). Chains of tokens without a session end too:
    they are older than this app, and the list of sessions does not show them.
    """
    using = using or databases.primary(Session)
    _end_others_as_of_now(user_pk, sid, reason, using)
    if connections[using].in_atomic_block:
        databases.after_commit(using, _once_more, _end_others_as_of_now, user_pk, sid, reason, using)
    revocation.end_chains(user_pk, using)


def is_live(user_pk: Any, sid: str, since: float | None) -> bool:
    """Whether the session has not been ended. ``since``: when its sign-in began.

    If the store has heard of no end, no row is read. The store hears of an end before the commit, and the commit may
    never come. Then the row decides: otherwise a session that can still be refreshed would be refused. Raises
    StorageUnavailable.
    """
    with store.connection() as client:
        denied, *ends = client.mget(_denied(user_pk, sid), _all_ended(user_pk), _others_ended(user_pk))
    # The row also decides for the session that was spared when the others ended, and for one whose row was deleted.
    if denied is None and not (since is not None and any(revocation.is_before(since, each) for each in ends)):
        return True
    return find(sid).filter(user=user_pk, ended_at=None).exists()


def was_ended(user_pk: Any, since: float) -> bool:
    """Whether a sign-in that began at ``since`` is too late to begin a session. False if the store is down."""
    try:
        with store.connection() as client:
            ended = client.mget(_all_ended(user_pk), _others_ended(user_pk))
    except StorageUnavailable:
        return False
    return any(revocation.is_before(since, each) for each in ended)


def find(sid: str) -> QuerySet[Session]:
    """The session with this id, or none."""
    known = readable(sid)
    return rows().filter(pk=known) if known else rows().none()


def readable(sid: Any) -> str:
    """The id of a session as we write it; "" for anything else: a host's own tokens may have such a claim."""
    with suppress(ValueError, AttributeError, TypeError):
        return str(uuid.UUID(sid))
    return ""


def rows(using: str | None = None) -> QuerySet[Session]:
    return Session.objects.using(using or databases.primary(Session))


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def install() -> None:
    """A session ends with the identity that it began with, and with Django's session."""
    pre_delete.connect(_on_unbind, sender=SocialAccount, dispatch_uid="phonebind.lifecycle.sessions")
    user_logged_out.connect(_on_logout, dispatch_uid="phonebind.lifecycle.sessions.logout")


def _on_unbind(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    # This includes the identities of the same person at that provider in all our apps: they are unbound together. They
    # are locked so that no request can sign in by them after their sessions have ended and before they are deleted.
    identities = instance.same_person().using(using).select_for_update().values_list("pk", flat=True)
    end(rows(using).filter(user=instance.user_id, social_account__in=list(identities)), "unbound")


def _on_logout(request: HttpRequest, **kwargs: Any) -> None:
    """Receiver of Django's ``user_logged_out``: the session ends, no matter which code signs the person out."""
    session = getattr(request, "session", None)
    if session is not None and session.get(SID):
        end(find(session[SID]), "signed_out")


def _end_as_of_now(user_pk: Any, reason: str, using: str | None) -> None:
    _mark(_all_ended(user_pk), user_pk)
    end(rows(using).filter(user=user_pk), reason)


def _end_others_as_of_now(user_pk: Any, sid: str, reason: str, using: str) -> None:
    _mark(_others_ended(user_pk), user_pk)
    others = rows(using).filter(user=user_pk)
    end(others.exclude(pk=sid) if sid else others, reason)


def _once_more(end_as_of_now: Callable[..., None], user_pk: Any, *arguments: Any) -> None:
    """After the commit: end the sessions that began while the transaction was open."""
    try:
        end_as_of_now(user_pk, *arguments)
    except (StorageUnavailable, *DATABASE_DOWN):
        logger.exception(
            "The last sessions of user %s were not ended. Call phonebind.revocation.revoke(%r)", user_pk, user_pk
        )


def _mark(key: str, user_pk: Any) -> None:
    try:
        revocation.mark(key)
    except Exception:
        # Like revocation: in a host's tests there may be no store at all.
        logger.exception(
            "The sessions of user %s were ended; the store failed: access tokens stay good until they expire", user_pk
        )


def _tell(reason: str, count: int) -> None:
    signals.sessions_ended.send_robust(Session, reason=reason, count=count)


def _deny(keys: Sequence[str]) -> None:
    # At least as long as Django's session, or an access token, of this session can live.
    seconds = max(settings.SESSION_COOKIE_AGE, 0) + revocation.MARGIN
    try:
        with store.connection() as client, client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.set(key, 1, ex=seconds)
            pipeline.execute()
    except Exception:
        logger.exception(
            "%s sessions were ended; the store failed: access tokens stay good until they expire", len(keys)
        )


def _denied(user_pk: Any, sid: str) -> str:
    return store.key("sessions", str(user_pk)) + f":ended:{sid}"


def _all_ended(user_pk: Any) -> str:
    return store.key("sessions", str(user_pk)) + ":all_ended"


def _others_ended(user_pk: Any) -> str:
    """A sign-in that began before this time must not begin a session. For a session with a row, the row decides."""
    return store.key("sessions", str(user_pk)) + ":others_ended"
