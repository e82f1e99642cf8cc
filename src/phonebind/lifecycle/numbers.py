"""Remove a mobile from an account, or replace it by another. Everything that depends on it changes in one transaction:
the field, a username that is the number, the proof, the sessions. The codes of the number are voided after the commit.

The lock on the user's row orders two changes of one user. The constraint on the field decides between two users.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, transaction
from django.db.models.signals import post_save, pre_delete
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import get_random_string

from phonebind import accounts, databases, masking, mobiles, signals, sms_codes
from phonebind.binding import ATTEMPTS
from phonebind.conf import conf
from phonebind.exceptions import Invalid, PhonebindError, StorageUnavailable
from phonebind.lifecycle import endings, notices, people, proofs
from phonebind.lifecycle.exceptions import MobileChangePending, MobileKept, MobileTaken
from phonebind.lifecycle.models import MobileChange, MobileProof
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from phonebind.verified import VerifiedMobile, settle

#: How many changes are read at once.
BATCH = 200
_NAME_LENGTH = 12

T = TypeVar("T")

logger = logging.getLogger(__name__)


def release(user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool = False) -> bool:
    """Take ``mobile`` from this user: from the field, and from a username that is the number. Other ways to sign in
    stay. False if the user did not have the mobile, so a repeat changes nothing.

    ``reason``: "new_owner" or "carrier". Runs in the open transaction, or in a new one. A caller that opened the
    transaction must claim the SMS code that proved the person before it ends, as always: the codes of the number are
    void after the commit. ``user`` does not change, but its row does. Raises MobileKept if the model does not allow a
    user without a mobile.
    """
    using = databases.primary(type(user))
    try:
        with transaction.atomic(using=using):
            locked = people.locked(user.pk)
            if locked is None or accounts.mobile_of(locked) != mobile:
                return False
            if not _field().null:
                raise MobileKept
            _write(locked, mobile, None)
            proofs.release(mobile, reason)
            # A former holder of the number may have proved it for a change too.
            _changes().filter(mobile=mobile).delete()
            if end_sessions:
                endings.end_others(locked.pk, "", "mobile", using)
            void_codes(mobile, using)
            facts = {"user_id": locked.pk, "reason": reason}
            signals.committing.send(MobileProof, act="identifier-recycled", facts=[facts], using=using)
    except ValidationError as error:
        # The model validates itself in save(), and requires a mobile, or the old username.
        raise MobileKept from error
    return True


def change(person: Person, mobile: VerifiedMobile, request: HttpRequest | None = None) -> bool:
    """Give ``mobile`` to the person in place of the old one, and end all other sessions. False if they have it already:
    a repeated request gets the same answer.

    Raises MobileTaken (the proof is not used up), Invalid, the error in ``mobile.invalid``, TokenInvalid,
    AccountDisabled, StorageUnavailable.
    """
    old = _at_last(person.user.pk, mobile.number, lambda: _change(person, mobile))
    settle(mobile)
    if old is None:
        return False
    signals.mobile_changed.send_robust(
        MobileChange, user=person.user, old=old, new=masking.mobile(mobile.number), request=request
    )
    return True


def request_change(person: Person, mobile: VerifiedMobile, request: HttpRequest | None = None) -> MobileChange:
    """Like change(), but after ``MOBILE_CHANGE_DELAY`` seconds. Until then the person can cancel it after any sign-in.
    The old number gets an SMS. To notify the person by other ways is up to the shop. Raises what change() raises, and
    MobileChangePending.
    """
    waiting, created = _at_last(person.user.pk, mobile.number, lambda: _request(person, mobile))
    settle(mobile)
    if created:
        notices.mobile_change(accounts.mobile_of(person.user))
        signals.mobile_change_requested.send_robust(
            MobileChange,
            user=person.user,
            old=masking.mobile(accounts.mobile_of(person.user)),
            new=masking.mobile(mobile.number),
            due_at=waiting.due_at,
            request=request,
        )
    return waiting


def pending(user_pk: Any) -> MobileChange | None:
    """The user's change that is waiting."""
    found: MobileChange | None = _changes().filter(user=user_pk).first()
    return found


def cancel_change(user_pk: Any, using: str | None = None) -> bool:
    """Delete the change that is waiting. True if there was one."""
    rows = MobileChange.objects.using(using or databases.primary(MobileChange))
    return bool(rows.filter(user=user_pk).delete()[0])


def carry_out(user_pk: Any, sid: str = "") -> str:
    """Carry out the user's change if it is due. Returns "changed", "taken" (another account has the number by now),
    "refused" (the model refuses it, or the account is disabled), or "" if no change is due. ``sid``: the session that
    stays.
    """
    change = pending(user_pk)
    if change is None or change.due_at > timezone.now():
        return ""
    try:
        done = _at_last(user_pk, change.mobile, lambda: _carry_out(user_pk, sid))
    except MobileTaken:
        outcome = "taken"
    except PhonebindError as error:
        if isinstance(error, StorageUnavailable):
            raise
        outcome = "refused"
    else:
        if done:
            user, old, new = done
            signals.mobile_changed.send_robust(MobileChange, user=user, old=old, new=new, request=None)
        return "changed" if done else ""
    _changes().filter(pk=change.pk, mobile=change.mobile).delete()
    return outcome


def due() -> Iterator[Any]:
    """The primary keys of all users whose change is due. They are read in batches."""
    last, rows = 0, _changes().filter(due_at__lte=timezone.now()).order_by("pk")
    while batch := list(rows.filter(pk__gt=last).values_list("pk", "user_id")[:BATCH]):
        last = batch[-1][0]
        yield from (user_pk for _, user_pk in batch)


def install() -> None:
    """Three events cancel a waiting change: a new password, the end of an identity, and disabling the account. The
    person who asked for the change may have used that password or identity to sign in, or the account may be disabled
    because of them.
    """
    post_save.connect(_on_save, dispatch_uid="phonebind.lifecycle.numbers.save")
    pre_delete.connect(_on_unbind, sender=SocialAccount, dispatch_uid="phonebind.lifecycle.numbers.unbind")


def _on_save(instance: Any, created: bool, using: str, **kwargs: Any) -> None:
    if created or not isinstance(instance, get_user_model()):
        return
    # The same rules as in phonebind.revocation for both events.
    if not instance.is_active or getattr(instance, "_password", None) is not None:
        cancel_change(instance.pk, using)


def _on_unbind(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    cancel_change(instance.user_id, using)


def _change(person: Person, mobile: VerifiedMobile) -> str | None:
    with transaction.atomic(using=databases.primary(MobileChange), durable=True):
        user = people.lock(person)
        old = accounts.mobile_of(user)
        if old != mobile.number:
            _replace(user, old, mobile.number, mobile.proved_by, person.sid)
        if not mobile.claim() and old != mobile.number:
            raise mobile.invalid
    return masking.mobile(old) if old != mobile.number else None


def _request(person: Person, mobile: VerifiedMobile) -> tuple[MobileChange, bool]:
    with transaction.atomic(using=databases.primary(MobileChange), durable=True):
        people.lock(person)
        waiting = pending(person.user.pk)
        if waiting is not None and waiting.mobile != mobile.number:
            raise MobileChangePending(waiting.due_at)
        if _is_taken(person.user.pk, mobile.number):
            raise MobileTaken
        created = waiting is None
        if waiting is None:
            now = timezone.now()
            due_at = now + timedelta(seconds=conf.mobile_change_delay)
            user: Any = person.user
            waiting = _changes().create(user=user, mobile=mobile.number, requested_at=now, due_at=due_at)
        if not mobile.claim() and created:
            raise mobile.invalid
    return waiting, created


def _carry_out(user_pk: Any, sid: str) -> tuple[Any, str, str] | None:
    with transaction.atomic(using=databases.primary(MobileChange), durable=True):
        user = people.locked(user_pk)
        change = _changes().select_for_update().filter(user=user_pk, due_at__lte=timezone.now()).first()
        if user is None or change is None:
            return None
        accounts.check_enabled(user)
        old = accounts.mobile_of(user)
        if old != change.mobile:
            _replace(user, old, change.mobile, "sms", sid)
            # The proof dates from the request of the change.
            proofs.date_back(user, change.mobile, change.requested_at)
        change.delete()
    return user, masking.mobile(old), masking.mobile(change.mobile)


def _replace(user: Any, old: str, new: str, proved_by: str, sid: str) -> None:
    """Runs in a transaction that has locked the user. Raises MobileTaken, ValidationError, IntegrityError."""
    if _is_taken(user.pk, new):
        raise MobileTaken
    using = databases.primary(type(user))
    _write(user, old, new)
    if old:
        proofs.release(old, "changed")
    proofs.record(user, new, proved_by)
    cancel_change(user.pk)
    endings.end_others(user.pk, sid, "mobile", using)
    void_codes(old, using)


def _is_taken(user_pk: Any, mobile: str) -> bool:
    holder = accounts.find(mobile)
    return holder is not None and holder.pk != user_pk


def _at_last(user_pk: Any, mobile: str, act: Callable[[], T]) -> T:
    """Repeat an operation that lost a race, as binding does. Raises Invalid (with the model's messages), MobileTaken,
    StorageUnavailable.
    """
    for _ in range(ATTEMPTS):
        try:
            return act()
        except (IntegrityError, OperationalError) as error:
            if databases.is_lost(error):
                raise StorageUnavailable from error
            failure: Exception = error
        except ValidationError as error:
            if not _is_taken(user_pk, mobile):
                raise Invalid({"mobile": error.messages}) from None
            failure = error
    if _is_taken(user_pk, mobile):
        raise MobileTaken
    if isinstance(failure, IntegrityError):
        logger.error("A change of mobile was refused %s times by a constraint", ATTEMPTS, exc_info=failure)
    raise StorageUnavailable from failure


def void_codes(mobile: str, using: str) -> None:
    """Void the codes after the commit. Before that, or if the process dies, or the database or the store goes
    away, a code only reaches an account that has the mobile.
    """
    if mobile:
        databases.after_commit(using, _void, mobile)


def _void(mobile: str) -> None:
    try:
        sms_codes.void(mobile)
    except StorageUnavailable:
        logger.warning("The SMS codes of a number that was given up stay valid until they expire: no store")


def _write(user: Any, old: str, new: str | None) -> None:
    """Write the mobile, and the username if it is the old mobile. Raises ValidationError, IntegrityError, and
    MobileKept if other tables refer to the user by the number.
    """
    if _field().primary_key:
        raise MobileKept
    fields = [conf.mobile_field]
    setattr(user, conf.mobile_field, None if new is None else accounts.stored(new))
    name = get_user_model().USERNAME_FIELD
    if old and name not in fields and mobiles.clean(str(user.get_username() or "")) == old:
        # Otherwise the former holder could still sign in with the number as a name and their password, and could keep
        # the new holder of the number from an account.
        setattr(user, name, _any_username() if new is None else accounts.free_username(new))
        fields.append(name)
    user.save(update_fields=fields)


def _any_username() -> str:
    """A random name that is not taken and is not a number."""
    field: Any = get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD)
    length = field.max_length or _NAME_LENGTH
    return f"u{get_random_string(_NAME_LENGTH - 1, 'abcdefghjkmnpqrstuvwxyz23456789')}"[:length]


def _field() -> Any:
    return get_user_model()._meta.get_field(conf.mobile_field)


def _changes() -> Any:
    return MobileChange.objects.using(databases.primary(MobileChange))
