"""What the course's pages ask about accounts: whether one exists, and a new password for it by SMS.

    token = begin(account)                      # step 1: leads to an SMS
    send(token, address)                        # step 2
    user, token = exchange(account, code, …)    # step 3: leads to a password
    set_password(request, pk, token, password)

A token is random and good for one step. The store keeps its hash, so nothing can be read from it, and it is gone after
its use. Operators, disabled users and users without a mobile get the same answer as an unknown name. A code is only
good in the network that asked for it: a person who changes their network asks for another code.
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

#: The purpose of the codes.
PURPOSE = "reset_password"
#: Seconds to ask for an SMS, and seconds to set the password.
SMS_SECONDS, PASSWORD_SECONDS = 600, 300

_SMS, _PASSWORD = "tutorial_sms", "tutorial_password"
#: This is not a mobile, so no code was ever sent to it.
_NOBODY = "-"


@dataclass(frozen=True, slots=True)
class _Grant:
    """The user of a token, and the facts that must not change while it is open."""

    pk: str
    mobile: str
    #: SHA-256 of the password's hash: a token ends when the password that it replaces changes.
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
    """The whole mobile of an account, and a token that leads to an SMS.

    Raises AccountUnknown, which says that there is no account. It has the same limit as the counts, but a separate
    counter: otherwise people who register behind a shared address could keep others there from a new password. Raises
    TooManyRequests.
    """
    limits.take(("reset_account_address_hour", address))
    user = _resettable(accounts.by_login(account))
    if user is None or not _is_enabled(user):
        raise AccountUnknown
    grant = _granted(user)
    return grant.mobile, _issue(_SMS, grant, SMS_SECONDS)


def send(token: str, address: str) -> sms_codes.Sent:
    """Send a code to the account's mobile. The token stays good, since an SMS may be lost.

    Raises TicketInvalid, and what ``sms_codes.issue`` raises.
    """
    grant = _read(_SMS, token)
    _owner(grant)
    how = sms_codes.How(holder=_holder(address), purpose=PURPOSE, reserved=False)
    return sms_codes.issue(grant.mobile, address, ("reset_mobile_day", grant.mobile), **how)


def exchange(account: str, code: str, address: str) -> tuple[AbstractBaseUser, str]:
    """The user that the code was sent to, and a token that sets their password once. The code is used up.

    Raises SmsCodeInvalid and TooManyAttempts. Neither the error nor its time tells whether there is such an account.
    """
    user = _resettable(accounts.by_login(account))
    mobile = accounts.mobile_of(user) if user is not None else _NOBODY
    holder = _holder(address)
    # Count by the typed name, known or unknown: then the limit does not tell whether there is such an account.
    counted = f"{holder}:{mobiles.clean(account)}"
    try:
        proof = sms_codes.check(mobile, code, claimant=holder, address=address, purpose=PURPOSE, counted=counted)
    except SmsCodeGone:
        # SmsCodeGone would tell that a code was sent.
        raise SmsCodeInvalid from None
    if user is None or not _is_enabled(user):
        raise SmsCodeInvalid
    # proof.claim() allows the same holder to claim again. So two requests at once would both get a token.
    if not store.first(_key("tutorial_code", proof.digests[0]), sms_codes.EXPIRES_IN):
        raise SmsCodeInvalid
    proof.claim()
    token = _issue(_PASSWORD, _granted(user), PASSWORD_SECONDS)
    with suppress(StorageUnavailable):
        # Until the code expires it stays claimed, and a repeat is refused.
        proof.settle()
    return user, token


def set_password(request: HttpRequest, pk: str, token: str, password: str) -> AbstractBaseUser:
    """Set a new password for the user of the token, who must be ``pk``. All sessions end, and so does everything else
    that was begun.

    Raises TicketInvalid, OwnerUnclear, Invalid (the password is too weak), ServerBusy, StorageUnavailable. The token
    stays good after an error. It is used up as the last act before the commit.
    """
    grant = _read(_PASSWORD, token)
    if not secrets.compare_digest(grant.pk.encode(), pk.encode()):
        raise TicketInvalid
    user = _owner(grant)
    accounts.set_password(user, password)
    # This runs once only, and not for a weak password: it may ask a vendor that bills each question.
    doubtful = ownership.decide(request, user, grant.mobile, door=Door(PURPOSE, claimant_of(token)))
    try:
        _save(user, grant, token, doubtful=doubtful)
    except IntegrityError as error:
        # A bind of the same person proved the mobile at the same moment. Nothing has changed, so the client should try
        # again.
        raise StorageUnavailable from error
    return user


def claimant_of(token: str) -> str:
    """Who the gate's question is for. The pages send no cookie that could identify them, but they have the token."""
    return f"{_PASSWORD}:{_digest(token)}"


def _save(user: AbstractBaseUser, grant: _Grant, token: str, *, doubtful: bool) -> None:
    using = databases.primary(type(user))
    with transaction.atomic(using=using, durable=True):
        # The second of two requests at once waits here, and then finds the password of the first.
        _owner(grant, lock=True)
        user.save(using=using, update_fields=["password"])
        MobileChange.objects.using(databases.primary(MobileChange)).filter(user=user.pk).delete()
        proofs.record(user, grant.mobile, "sms", doubtful=doubtful)
        sms_codes.void(grant.mobile)
        _use(_PASSWORD, token)


def _holder(address: str) -> str:
    """The holder of a code. The request of the next step brings a name, but no token and no cookie. The only sign of
    who asked for the code is the network of the client. Clients of other networks can neither guess the code nor use up
    its attempts.

    The network, not the address: carriers send the requests of one phone from several addresses.
    """
    network = address.rpartition(".")[0] or address
    return f"{PURPOSE}:{hashlib.sha256(network.encode()).hexdigest()}"


def _resettable(user: Any) -> Any:
    """The user, if their password may be set by SMS alone. This needs only the row that was read."""
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
    """The account of the token, if nothing has changed since the token was issued. Raises TicketInvalid."""
    people = databases.people().filter(pk=grant.pk)
    user = _resettable((people.select_for_update() if lock else people).first())
    if user is None or _granted(user) != grant or not _is_enabled(user):
        raise TicketInvalid
    return user  # type: ignore[no-any-return]  # the model depends on AUTH_USER_MODEL


def _issue(kind: str, grant: _Grant, seconds: int) -> str:
    token = secrets.token_urlsafe(32)
    with store.connection() as client:
        client.set(_key(kind, token), json.dumps([grant.pk, grant.mobile, grant.password]), ex=seconds)
    return token


def _read(kind: str, token: str) -> _Grant:
    """Raises TicketInvalid if the token is forged, expired, used, or from another step."""
    with store.connection() as client:
        found = client.get(_key(kind, token))
    if not found:
        raise TicketInvalid
    return _Grant(*json.loads(found))


def _use(kind: str, token: str) -> None:
    """Raises TicketInvalid if the token was used."""
    with store.connection() as client:
        if not client.delete(_key(kind, token)):
            raise TicketInvalid


def _key(kind: str, token: str) -> str:
    return store.key(kind, _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
