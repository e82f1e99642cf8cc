"""The end of sessions, and whether one has ended.

The rows are what decides. The store is told of each end, too: access tokens and Django's sessions ask it first, so that
a request which nothing has ended costs no query.
"""

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
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
from phonebind.exceptions import StorageUnavailable
from phonebind.life import SID
from phonebind.lifecycle import attempts
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount

logger = logging.getLogger(__name__)


def end(sessions: Iterable[Session], reason: str) -> int:
    """End those of them that have not ended. How many there were. As many statements for one as for all.

    The rows are ended in the transaction that is open; the store is told twice, since what began before the commit may
    still be answered, and after it the process may be dead. Where none is open, it is tried again when the database has
    it lose: MariaDB finds rows by the user, or by their key, and of two who end the same one is the victim. Raises
    StorageUnavailable.
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
        # Locked where there are locks: in one order, so that two who end the same wait for each other once; and as of
        # now, whatever the transaction has read before.
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
    """End all of a user, and those that begin meanwhile by what is true until the commit: the old password, say."""
    _end_as_of_now(user_pk, reason, using)
    if connections[using or databases.primary(Session)].in_atomic_block:
        databases.after_commit(using or databases.primary(Session), _end_as_of_now, user_pk, reason, using)


def end_others(user_pk: Any, sid: str, reason: str, using: str | None = None) -> None:
    """The same, but for the session ``sid``: "" for none. So do chains of tokens that no session keeps: they are older
    than this app, and nobody sees them in a list.
    """
    using = using or databases.primary(Session)
    _end_others_as_of_now(user_pk, sid, reason, using)
    if connections[using].in_atomic_block:
        databases.after_commit(using, _end_others_as_of_now, user_pk, sid, reason, using)
    revocation.end_chains(user_pk, using)


def is_live(user_pk: Any, sid: str, since: float | None) -> bool:
    """Whether the session, of a sign-in that began ``since``, has not been ended.

    The store alone is asked where it has heard of no end. It hears of one before the commit, which perhaps never came:
    then the row decides, or a session would be refused that can still be refreshed. Raises StorageUnavailable.
    """
    with store.connection() as client:
        denied, *ends = client.mget(_denied(user_pk, sid), _all_ended(user_pk), _others_ended(user_pk))
    # Of the one that was spared when the others ended the row tells, too; and of one that has outlived its row.
    if denied is None and not (since is not None and any(revocation.is_before(since, each) for each in ends)):
        return True
    return find(sid).filter(user=user_pk, ended_at=None).exists()


def was_ended(user_pk: Any, since: float) -> bool:
    """Whether a sign-in that began then came too late to begin a session. False where the store is away."""
    try:
        with store.connection() as client:
            ended = client.mget(_all_ended(user_pk), _others_ended(user_pk))
    except StorageUnavailable:
        return False
    return any(revocation.is_before(since, each) for each in ended)


def find(sid: str) -> QuerySet[Session]:
    """The one of this id, or none."""
    known = readable(sid)
    return rows().filter(pk=known) if known else rows().none()


def readable(sid: Any) -> str:
    """The id of a session as we write it; "" for what is none: a host's own tokens may have a claim of that name."""
    with suppress(ValueError, AttributeError, TypeError):
        return str(uuid.UUID(sid))
    return ""


def rows(using: str | None = None) -> QuerySet[Session]:
    return Session.objects.using(using or databases.primary(Session))


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def install() -> None:
    """A session ends with the identity that it began with, and with Django's."""
    pre_delete.connect(_on_unbind, sender=SocialAccount, dispatch_uid="phonebind.lifecycle.sessions")
    user_logged_out.connect(_on_logout, dispatch_uid="phonebind.lifecycle.sessions.logout")


def _on_unbind(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    # Of the person at that provider, in whichever app of ours: they are unbound together. Locked, so that nobody signs
    # in by them between the end of their sessions and their own.
    identities = instance.same_person().using(using).select_for_update().values_list("pk", flat=True)
    end(rows(using).filter(user=instance.user_id, social_account__in=list(identities)), "unbound")


def _on_logout(request: HttpRequest, **kwargs: Any) -> None:
    """Receiver of Django's ``user_logged_out``, whoever signs them out."""
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


def _mark(key: str, user_pk: Any) -> None:
    try:
        revocation.mark(key)
    except Exception:
        # As revocation does: there may be no store at all, in a host's tests.
        logger.exception("The sessions of user %s were ended, and access tokens are good until they expire", user_pk)


def _tell(reason: str, count: int) -> None:
    signals.sessions_ended.send_robust(Session, reason=reason, count=count)


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
