"""A mobile leaves an account, or another takes its place. Whatever it takes with it goes in one transaction: the field,
a username that is the number, the proof, the sessions; and after the commit its codes.

Two at once are decided by the lock on the user's row, and between users by the constraint on the field.
"""

import logging
from functools import partial
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import get_random_string

from phonebind import accounts, databases, mobiles, revocation, sms_codes
from phonebind.conf import conf
from phonebind.lifecycle import proofs, sessions
from phonebind.lifecycle.exceptions import MobileKept
from phonebind.lifecycle.models import MobileChange

_NAME_LENGTH = 12

T = TypeVar("T")
logger = logging.getLogger(__name__)


def release(user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool = False) -> bool:
    """``mobile`` is this user's no more, and no login name of theirs; their other ways in stay. False where it was not
    theirs: the same again changes nothing.

    ``reason``: "new_owner", "carrier". Within the transaction that is open, or in one of its own; whoever opens one
    claims the code that let them in before the end of it, as always: its codes are void after the commit. ``user`` is
    not changed, but their row is. Raises MobileKept where the model has no room for somebody without a mobile.
    """
    using = databases.primary(type(user))
    try:
        with transaction.atomic(using=using):
            locked = lock(user.pk)
            if locked is None or accounts.mobile_of(locked) != mobile:
                return False
            if not _field().null:
                raise MobileKept
            _write(locked, mobile, None)
            proofs.release(mobile, reason)
            # Proved by whoever had it before, too.
            _changes().filter(mobile=mobile).delete()
            if end_sessions:
                sessions.end(sessions.of(locked.pk, using), "mobile")
                revocation.end_chains(locked.pk, using)
            void_codes(mobile, using)
    except ValidationError as error:
        # The model validates itself as it is saved, and wants a mobile, or its old name.
        raise MobileKept from error
    return True


def lock(user_pk: Any) -> AbstractBaseUser | None:
    """The user as they are now, and stay until the transaction ends."""
    return databases.people().select_for_update().filter(pk=user_pk).first()


def void_codes(mobile: str, using: str) -> None:
    """After the commit. Until then, and where the process dies before it, they find the account by its mobile alone."""
    if mobile:
        transaction.on_commit(partial(sms_codes.void, mobile), using=using, robust=True)


def _write(user: Any, old: str, new: str | None) -> None:
    """The mobile, and the username where that is the old one. Raises ValidationError, IntegrityError."""
    fields = [conf.mobile_field]
    setattr(user, conf.mobile_field, None if new is None else accounts.stored(new))
    name = get_user_model().USERNAME_FIELD
    if old and name not in fields and mobiles.clean(str(user.get_username() or "")) == old:
        # Or who has the number from now on could be kept from their account, and who had it not: by their password.
        setattr(user, name, _any_username() if new is None else accounts.free_username(new))
        fields.append(name)
    user.save(update_fields=fields)


def _any_username() -> str:
    """Of nobody else, and no number."""
    field: Any = get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD)
    length = field.max_length or _NAME_LENGTH
    return f"u{get_random_string(_NAME_LENGTH - 1, 'abcdefghjkmnpqrstuvwxyz23456789')}"[:length]


def _field() -> Any:
    return get_user_model()._meta.get_field(conf.mobile_field)


def _changes() -> Any:
    return MobileChange.objects.using(databases.primary(MobileChange))
