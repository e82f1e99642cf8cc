"""What the pages of the course ask of accounts: whether there is one, and a new password for it by SMS.

    token = begin(account)                      # step 1: leads to an SMS
    send(token, address)                        # step 2
    user, token = exchange(account, code, …)    # step 3: leads to a password
    set_password(request, pk, token, password)

A token is random, for one step, and kept in the store as a hash; so nothing can be read from it, and it is gone when it
was used. Staff and whoever is disabled or has no mobile are answered like a name that nobody has. A code serves in the
network alone that it was asked for from: who has changed theirs asks for another one.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from phonebind import accounts, databases, limits, mobiles, sms_codes, store
from phonebind.conf import conf
from phonebind.exceptions import AccountDisabled, SmsCodeGone, SmsCodeInvalid, StorageUnavailable, TicketInvalid
from phonebind.lifecycle import ownership, proofs
from phonebind.lifecycle.exceptions import AccountUnknown
from phonebind.lifecycle.models import MobileChange
from phonebind.lifecycle.ownership import Door

#: The codes' purpose.
PURPOSE = "reset_password"
#: Seconds in which an SMS may be asked for, and in which the password is to be set.
SMS_SECONDS, PASSWORD_SECONDS = 600, 300

_SMS, _PASSWORD = "tutorial_sms", "tutorial_password"
#: No mobile, so that no code was ever sent to it.
_NOBODY = "-"


@dataclass(frozen=True, slots=True)
class _Grant:
    """Whose token it is; and what has to be as it was when it was made."""

    pk: str
    mobile: str
    #: SHA-256 of the hash of the password: a token ends with the password that it is to replace.
    password: str


def count_of_username(username: str, address: str) -> int:
    """0 or 1. Raises TooManyRequests."""
    return _count(lambda: accounts.is_username_taken(username), address)


def count_of_mobile(mobile: str, address: str) -> int:
    """0 or 1. Raises TooManyRequests."""
    return _count(lambda: accounts.find(mobile) is not None, address)


def _count(is_there: Callable[[], bool], address: str) -> int:
    if conf.legacy_counts == "zero":
        return 0
    limits.take(("account_count_address_hour", address))
    return int(is_there())


def begin(account: str, address: str) -> tuple[str, str]:
    """The mobile of an account, whole, and a token that leads to an SMS.

    Raises AccountUnknown, which tells who has none: as often as the counts do, and counted apart from them. Or whoever
    registers behind one address with others would keep them from a new password. Raises TooManyRequests.
    """
    limits.take(("reset_account_address_hour", address))
    user = _resettable(accounts.by_login(account))
    if user is None or not _is_enabled(user):
        raise AccountUnknown
    grant = _granted(user)
    return grant.mobile, _issue(_SMS, grant, SMS_SECONDS)


def send(token: str, address: str) -> sms_codes.Sent:
    """A code to the account's mobile. The token is good again: an SMS may be lost.

    Raises TicketInvalid, and what ``sms_codes.issue`` raises.
    """
    grant = _read(_SMS, token)
    _owner(grant)
    how = sms_codes.How(holder=_holder(address), purpose=PURPOSE, reserved=False)
    return sms_codes.issue(grant.mobile, address, ("reset_mobile_day", grant.mobile), **how)


def exchange(account: str, code: str, address: str) -> tuple[AbstractBaseUser, str]:
    """The user whose code this is, and a token that sets their password once. The code is used up.

    Raises SmsCodeInvalid, which does not tell whether there is such an account, nor does the time; TooManyAttempts.
    """
    user = _resettable(accounts.by_login(account))
    mobile = accounts.mobile_of(user) if user is not None else _NOBODY
    holder = _holder(address)
    # By the name that was typed, known or not: so the limit does not tell either.
    counted = f"{holder}:{mobiles.clean(account)}"
    try:
        proof = sms_codes.check(mobile, code, claimant=holder, address=address, purpose=PURPOSE, counted=counted)
    except SmsCodeGone:
        # It would tell that one was sent.
        raise SmsCodeInvalid from None
    if user is None or not _is_enabled(user):
        raise SmsCodeInvalid
    # To claim again is no crime, and two who ask at once would both be handed a token.
    if not store.first(_key("tutorial_code", proof.digests[0]), sms_codes.EXPIRES_IN):
        raise SmsCodeInvalid
    proof.claim()
    token = _issue(_PASSWORD, _granted(user), PASSWORD_SECONDS)
    with suppress(StorageUnavailable):
        # Until it expires it is claimed, and a repeat is refused.
        proof.settle()
    return user, token


def set_password(request: HttpRequest, pk: str, token: str, password: str) -> AbstractBaseUser:
    """A new password for the user of the token, who must be ``pk``. All sessions end, and whatever else was begun.

    Raises TicketInvalid, OwnerUnclear, Invalid (the password is too weak), ServerBusy, StorageUnavailable; the token
    stays good then. It is used up as the last act before the commit.
    """
    grant = _read(_PASSWORD, token)
    if not secrets.compare_digest(grant.pk.encode(), pk.encode()):
        raise TicketInvalid
    user = _owner(grant)
    accounts.set_password(user, password)
    # Once only, and not for a password that is too weak: it may ask a vendor, who is paid.
    doubtful = ownership.decide(request, user, grant.mobile, door=Door(PURPOSE, claimant_of(token)))
    try:
        _save(user, grant, token, doubtful=doubtful)
    except IntegrityError as error:
        # A bind of the same person proved the mobile in the same moment. Nothing was changed: trying again is right.
        raise StorageUnavailable from error
    return user


def claimant_of(token: str) -> str:
    """Whom the gate puts its question to: the pages bring no cookie to be known by, and have the token."""
    return f"{_PASSWORD}:{_digest(token)}"


def _save(user: AbstractBaseUser, grant: _Grant, token: str, *, doubtful: bool) -> None:
    using = databases.primary(type(user))
    with transaction.atomic(using=using, durable=True):
        # Of two at once the second one waits here, and finds the password of the first.
        _owner(grant, lock=True)
        user.save(using=using, update_fields=["password"])
        MobileChange.objects.using(databases.primary(MobileChange)).filter(user=user.pk).delete()
        proofs.record(user, grant.mobile, "sms", doubtful=doubtful)
        sms_codes.void(grant.mobile)
        _use(_PASSWORD, token)


def _holder(address: str) -> str:
    """Whom a code is for. The step that brings it brings a name besides, and neither token nor cookie: what shows who
    asked for it is the network that they are in. Others neither guess at it nor burn it.

    Not the address itself: carriers send one phone's requests from several of theirs.
    """
    network = address.rpartition(".")[0] or address
    return f"{PURPOSE}:{hashlib.sha256(network.encode()).hexdigest()}"


def _resettable(user: Any) -> Any:
    """The user, if their password may be set by SMS alone; told from the row that was read."""
    if user is None or accounts.is_operator(user) or not user.is_active or not accounts.mobile_of(user):
        return None
    return user


def _is_enabled(user: AbstractBaseUser) -> bool:
    with suppress(AccountDisabled):
        accounts.check_enabled(user)
        return True
    return False


def _granted(user: AbstractBaseUser) -> _Grant:
    held = _digest(user.password) if user.password else ""
    return _Grant(str(user.pk), accounts.mobile_of(user), held)


def _owner(grant: _Grant, *, lock: bool = False) -> AbstractBaseUser:
    """The account of the token, as it was then. Raises TicketInvalid."""
    people = databases.people().filter(pk=grant.pk)
    user = _resettable((people.select_for_update() if lock else people).first())
    if user is None or _granted(user) != grant or not _is_enabled(user):
        raise TicketInvalid
    return user  # type: ignore[no-any-return]  # whichever model AUTH_USER_MODEL is


def _issue(kind: str, grant: _Grant, seconds: int) -> str:
    token = secrets.token_urlsafe(32)
    with store.connection() as client:
        client.set(_key(kind, token), json.dumps([grant.pk, grant.mobile, grant.password]), ex=seconds)
    return token


def _read(kind: str, token: str) -> _Grant:
    """Raises TicketInvalid: forged, expired, used, or of another step."""
    with store.connection() as client:
        found = client.get(_key(kind, token))
    if not found:
        raise TicketInvalid
    return _Grant(*json.loads(found))


def _use(kind: str, token: str) -> None:
    """Raises TicketInvalid where it was used."""
    with store.connection() as client:
        if not client.delete(_key(kind, token)):
            raise TicketInvalid


def _key(kind: str, token: str) -> str:
    return store.key(kind, _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
