"""Which refresh tokens were used, and when all tokens of a user ended: by a changed password, by disabling the account,
by releasing an identity.

It is kept in the store, so a sign-in writes nothing. A token is known by the user, by what it says, and by the moment
of the sign-in that its chain began with: whatever began before the end is over, and what begins after it is not.
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

#: Seconds that things are remembered for longer than a token is good: clocks differ, and a host may allow some leeway.
MARGIN = 7 * 86_400
_ENDED_BY = "_phonebind_ended_by"

logger = logging.getLogger(__name__)

# ARGV: when it ends, seconds to remember that. By a clock that is behind, an end is not moved back.
_end = store.Script("""
local ended = redis.call('GET', KEYS[1])
if not ended or tonumber(ended) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
""")

# KEYS: when it ended, the token. ARGV: when its chain began, and for how many milliseconds the token would be good.
_use = store.Script("""
local ended = redis.call('GET', KEYS[1])
if ended and tonumber(ARGV[1]) <= tonumber(ended) then
  return 0
end
return redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) and 1 or 0
""")


def revoke(user_pk: Any, reason: str = "host", using: str | None = None) -> None:
    """End all tokens and sessions of a user that began before now. Call it where your project locks somebody out.

    ``user_pk`` is the primary key. ``reason`` is told to the devices where ``phonebind.lifecycle`` keeps sessions.
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
    """Keep at ``key`` that what has begun by now is over, as long as any of it may live. Raises StorageUnavailable."""
    seconds = max(conf.sign_in_max_age, settings.SESSION_COOKIE_AGE) + MARGIN
    _end([key], _microseconds(time.time()), seconds)


def is_before(began: float, ended: bytes | str | None) -> bool:
    """Whether what began then (seconds since 1970) was over by what :func:`mark` has kept."""
    return ended is not None and _microseconds(began) <= int(ended)


def is_revoked(user_pk: Any, began: float) -> bool:
    """Whether a chain that began then (seconds since 1970) has been ended. Raises StorageUnavailable."""
    with store.connection() as client:
        ended = client.get(_ended(user_pk))
    return is_before(began, ended)


@contextmanager
def used(user_pk: Any, token: str, began: float, seconds: int) -> Iterator[None]:
    """Use up a refresh token for the block, unless the block fails; ``seconds`` is how long it would be good.

    Raises TokenInvalid where it was used before or has been ended, StorageUnavailable.
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
    """Listen for what ends tokens. Not for the user model alone: a proxy or a child of it is saved as itself."""
    post_save.connect(_on_save, dispatch_uid="phonebind.revocation.save")
    post_delete.connect(_on_release, sender=SocialAccount, dispatch_uid="phonebind.revocation.release")


def _on_save(instance: Any, created: bool, using: str, **kwargs: Any) -> None:
    if created or not isinstance(instance, get_user_model()):
        return
    # Django keeps what set_password() was given until save() is over. It has taken it away where only the hash is new.
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
    """When saving this very object ended what its user had begun, in seconds since 1970; 0 where it did not.

    A sign-in that goes on with the object knows of the new password, and begins after that.
    """
    return float(getattr(user, _ENDED_BY, 0))


def _note_end(instance: Any) -> None:
    # A microsecond is the unit in which ends are kept, and what begins in the same one is over.
    setattr(instance, _ENDED_BY, time.time() + 0.000_002)


def _on_release(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    """Where sessions are kept, those end that began with it: ``phonebind.lifecycle`` sees to that."""
    end_chains(instance.user_id, using)
    if not life.installed:
        _tell(instance.user_id, "unbound", using)


def _tell(user_pk: Any, reason: str, using: str) -> None:
    facts = {"user_id": user_pk, "reason": reason}
    signals.committing.send(get_user_model(), act="sessions-revoked", facts=[facts], using=using)


def end_chains(user_pk: Any, using: str) -> None:
    """Those that no session keeps, around the commit. Twice: what began before it may have begun by the old
    password, and after it the process may be dead.
    """
    _try_to_end(user_pk)
    databases.after_commit(using, _try_to_end, user_pk)


def _try_to_end(user_pk: Any) -> None:
    """A password can be changed, and an account disabled, whatever the store does, and whether there is one: a host's
    tests may run without.
    """
    try:
        _end_chains(user_pk)
    except Exception:
        logger.exception("The tokens of user %s were not ended. Call phonebind.revocation.revoke(%r)", user_pk, user_pk)


def _ended(user_pk: Any) -> str:
    return store.key("tokens", str(user_pk)) + ":ended"


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
