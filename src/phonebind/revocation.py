"""Which refresh tokens were used, and when all tokens of a user ended: because the password changed, the account was
disabled, or an identity was unbound.

The store keeps this, so a sign-in writes no row. A token is known by its user, its content, and the time of the sign-in
that began its chain. Chains that began before the end are over; chains that begin after it are not.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models.signals import post_delete, post_save

from phonebind import databases, life, signals, store
from phonebind.conf import conf
from phonebind.exceptions import TokenInvalid
from phonebind.models import SocialAccount

#: Seconds that we remember beyond a token's lifetime: clocks differ, and a host may allow some leeway.
MARGIN = 7 * 86_400
_ENDED_BY = "_phonebind_ended_by"

logger = logging.getLogger(__name__)

# ARGV: the time of the end, seconds to remember it. A clock that is behind does not move an end back.
_end = store.Script("""
local ended = redis.call('GET', KEYS[1])
if not ended or tonumber(ended) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
""")

# KEYS: the end, the token. ARGV: when its chain began, and for how many milliseconds the token is valid.
_use = store.Script("""
local ended = redis.call('GET', KEYS[1])
if ended and tonumber(ARGV[1]) <= tonumber(ended) then
  return 0
end
return redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) and 1 or 0
""")


def revoke(user_pk: Any, reason: str = "host", using: str | None = None) -> None:
    """End all tokens and sessions of a user that began before now. Call it where your project locks an account.

    ``user_pk`` is the primary key. Devices are told the ``reason`` where ``phonebind.lifecycle`` keeps sessions.
    ``using`` is the database alias whose transaction ends them.

    Raises StorageUnavailable.
    """
    if life.installed:
        life.installed.end_all(user_pk, reason, using)
    _end_chains(user_pk)
    _tell(user_pk, reason, using or databases.primary(get_user_model()))


def _end_chains(user_pk: Any) -> None:
    mark(_ended(user_pk))


def mark(key: str) -> None:
    """Write at ``key`` that everything that began before now is over, for as long as it may live. Raises
    StorageUnavailable.
    """
    seconds = max(conf.sign_in_max_age, settings.SESSION_COOKIE_AGE) + MARGIN
    _end([key], _microseconds(time.time()), seconds)


def is_before(began: float, ended: bytes | str | None) -> bool:
    """Whether a thing that began then (seconds since 1970) was over by the :func:`mark` in ``ended``."""
    return ended is not None and _microseconds(began) <= int(ended)


def is_revoked(user_pk: Any, began: float) -> bool:
    """Whether a chain that began then (seconds since 1970) has been ended. Raises StorageUnavailable."""
    with store.connection() as client:
        ended = client.get(_ended(user_pk))
    return is_before(began, ended)


@contextmanager
def used(user_pk: Any, token: str, began: float, seconds: int) -> Iterator[None]:
    """Use up a refresh token for the block; undo it if the block fails. ``seconds``: how long it would be valid.

    Raises TokenInvalid if it was used before or has been ended, StorageUnavailable.
    """
    key = store.key("tokens", str(user_pk)) + f":used:{token}"
    if not _use([_ended(user_pk), key], _microseconds(began), (seconds + MARGIN) * 1000):
        raise TokenInvalid
    try:
        yield
    except Exception:
        with store.connection() as client:
            client.delete(key)
        raise


def install() -> None:
    """Connect to the events that end tokens. With no sender: a proxy or child of the user model is saved as itself."""
    post_save.connect(_on_save, dispatch_uid="phonebind.revocation.save")
    post_delete.connect(_on_release, sender=SocialAccount, dispatch_uid="phonebind.revocation.release")


def _on_save(instance: Any, created: bool, using: str, **kwargs: Any) -> None:
    if created or not isinstance(instance, get_user_model()):
        return
    # Django keeps the argument of set_password() until save() is over. It removes it where only the hash is new.
    if not instance.is_active or getattr(instance, "_password", None) is not None:
        reason = "password" if instance.is_active else "disabled"
        _tell(instance.pk, reason, using)
        if life.installed:
            life.installed.end_all(instance.pk, reason, using)
        end_chains(instance.pk, using)
        databases.after_commit(using, _note_end, instance)
    if getattr(instance, "_password", None) is not None:
        facts = {"user_id": instance.pk, "credential_type": "password", "change_type": "update"}
        signals.committing.send(type(instance), act="credential-change", facts=[facts], using=using)


def ended_by(user: Any) -> float:
    """When saving this object ended its user's tokens, in seconds since 1970; 0 if it did not.

    A sign-in that continues with this object knows the new password. So it begins after that time.
    """
    return float(getattr(user, _ENDED_BY, 0))


def _note_end(instance: Any) -> None:
    # Ends are kept in microseconds, and a chain that begins in the same microsecond is over.
    setattr(instance, _ENDED_BY, time.time() + 0.000_002)


def _on_release(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    """With ``phonebind.lifecycle``, that app ends the sessions that began with this binding."""
    end_chains(instance.user_id, using)
    if not life.installed:
        _tell(instance.user_id, "unbound", using)


def _tell(user_pk: Any, reason: str, using: str) -> None:
    facts = {"user_id": user_pk, "reason": reason}
    signals.committing.send(get_user_model(), act="sessions-revoked", facts=[facts], using=using)


def end_chains(user_pk: Any, using: str) -> None:
    """End the chains without a session, before and after the commit. Before: the process may die right after the
    commit. After: a chain may have begun with the old password just before it.
    """
    _try_to_end(user_pk)
    databases.after_commit(using, _try_to_end, user_pk)


def _try_to_end(user_pk: Any) -> None:
    """An unavailable store must not prevent a change of password or the disabling of an account. A host's tests may
    even run without a store.
    """
    try:
        _end_chains(user_pk)
    except Exception:
        logger.exception("The tokens of user %s were not ended. Call phonebind.revocation.revoke(%r)", user_pk, user_pk)


def _ended(user_pk: Any) -> str:
    return store.key("tokens", str(user_pk)) + ":ended"


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
