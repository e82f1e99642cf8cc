"""Reset a forgotten password. The request looks the same for every number. Only a person who proves the number can set
a new password.

A number without an account gets an SMS too, which says so and has no code. The work and the answer are the same. The
store keeps the reset by its id. The id has no value in another browser. The reset carries a digest of the password that
it replaces: of several open resets only one can succeed, and only once.
"""

import hashlib
import json
import logging
import secrets
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import CharField, Max
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from phonebind import accounts, audit, binding, browser, databases, human, keyed, limits, sms, sms_codes, store
from phonebind.browser import Cookie
from phonebind.conf import conf
from phonebind.exceptions import SmsCodeInvalid, SmsUnconfirmed, StorageUnavailable
from phonebind.lifecycle import attempts, devices, ownership, proofs
from phonebind.lifecycle.exceptions import OwnerRefused
from phonebind.lifecycle.models import MobileChange, MobileProof
from phonebind.sms_codes import ByCode, Sent
from phonebind.verified import settle

PURPOSE = "reset_password"
#: Seconds.
MAX_AGE = 600
#: The most open forms in one browser, and the most bytes that their cookies may have together.
MAX_OPEN = 3
ROOM = 300
_STAMP = "phonebind.lifecycle.reset"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reset:
    """``digest``: of the secret in the browser's cookie; "" for a front end that keeps no cookies. ``stamp``: of the
    password that the person has forgotten.
    """

    id: str
    mobile: str
    digest: str
    stamp: str

    @property
    def holder(self) -> str:
        """The holder of its codes."""
        return f"{PURPOSE}:{self.id}"


def start(
    request: HttpRequest, mobile: str, answers: human.Answers, *, unbound: bool, own_id: str = ""
) -> tuple[Reset, Sent, Cookie]:
    """Send the SMS. ``unbound`` is True for a front end that keeps no cookies, and for a page; a page's ``own_id`` is
    :func:`id_of_page`.

    Raises what ``human.send_code`` raises. The errors are the same for all numbers. SmsUnconfirmed carries what the
    reset needs to go on: if the code arrives after all, it is good.
    """
    said, is_known = _stamped(mobile)
    stamp = keyed.digests(_STAMP, said)[0]
    secret = secrets.token_urlsafe(16)
    digest = _digest(secret)
    reset = Reset(own_id or secrets.token_urlsafe(16), mobile, "" if unbound else digest, stamp)
    worded = PURPOSE if is_known else sms.NO_ACCOUNT
    owned = ownership.knows(request, mobile)
    how = sms_codes.How(holder=reset.holder, purpose=PURPOSE, reserved=owned, worded=worded)
    # Strangers may use up this limit.
    also = () if owned else (("reset_mobile_day", mobile),)
    cookie = Cookie(browser.name_of(request, "reset", digest), secret, MAX_AGE)
    try:
        sent = human.send_code(request, mobile, answers, *also, **how)
    except SmsUnconfirmed as error:
        _keep(reset)
        error.facts = {"id": reset.id}
        error.remember = partial(remember, request, reset, cookie)
        raise
    _keep(reset)
    return reset, sent, cookie


def remember(request: HttpRequest, reset: Reset, cookie: Cookie, response: HttpResponseBase) -> None:
    """Bind the reset to this browser by a cookie, in the answer that brings its id."""
    if reset.digest:
        browser.remember(request, response, cookie, most=MAX_OPEN, room=ROOM)


def id_of_page(request: HttpRequest, mobile: str) -> str:
    """The newest reset of this number in this browser. Only this browser can compute the id, even after a reload of the
    page.
    """
    return _ids_of_page(request, mobile)[0]


def _ids_of_page(request: HttpRequest, mobile: str) -> tuple[str, ...]:
    return keyed.digests("phonebind.lifecycle.reset.page", f"{devices.hash_of(request)}:{mobile}")


def read_of_page(request: HttpRequest, mobile: str) -> Reset:
    """Like :func:`read`, for the id of :func:`id_of_page` under the current key or a former one."""
    *first, last = _ids_of_page(request, mobile)
    for reset_id in first:
        with suppress(SmsCodeInvalid):
            return read(request, reset_id, unbound=True)
    return read(request, last, unbound=True)


def read(request: HttpRequest, reset_id: str, *, unbound: bool) -> Reset:
    """Raises SmsCodeInvalid if the reset is expired, used, or another browser's; StorageUnavailable."""
    with store.connection() as client:
        kept = client.get(_key(reset_id))
    if kept is None:
        raise SmsCodeInvalid
    reset = Reset(**json.loads(kept))
    if reset.digest:
        good = constant_time_compare(_digest(browser.held(request, "reset", reset.digest)), reset.digest)
    else:
        good = unbound
    if not good:
        raise SmsCodeInvalid
    return reset


def finish(request: HttpRequest, reset: Reset, code: str, password: str) -> AbstractBaseUser:
    """Like :func:`save`, and sign the user in."""
    user = save(request, reset, code, password)
    binding.sign_in(request, user)
    return user


def save(request: HttpRequest, reset: Reset, code: str, password: str) -> AbstractBaseUser:
    """Set the new password of the account that has the proved number, and end all its sessions.

    Raises SmsCodeInvalid, which does not say which part was wrong; TooManyAttempts; ServerBusy, StorageUnavailable.
    Only after the number was proved: Invalid (the password), AccountDisabled, OwnerRefused (an operator's account),
    OwnerUnclear.
    """
    address = limits.client_address(request)
    proved = sms_codes.check(reset.mobile, code, claimant=reset.holder, address=address, purpose=PURPOSE)
    user = attempts.at_last(lambda: _set(request, reset, proved, password))
    settle(proved)
    _forget(reset)
    # Every sign-in that began before now has ended.
    audit.note(request, began=time.time())
    return user


def _set(request: HttpRequest, reset: Reset, proved: ByCode, password: str) -> AbstractBaseUser:
    user = accounts.find(reset.mobile)
    said, _ = _stamped(reset.mobile)
    if user is None or not keyed.is_of(reset.stamp, _STAMP, said):
        raise SmsCodeInvalid
    _refuse_operators(request, user)
    accounts.check_enabled(user)
    doubtful = ownership.decide(request, user, reset.mobile, door=ownership.RESET)
    old = user.password
    accounts.set_password(user, password)
    with transaction.atomic(using=databases.primary(MobileProof), durable=True):
        # This single statement decides. It changes no row if the password or the mobile has changed since the reset was
        # requested.
        as_it_was = {"pk": user.pk, "password": old, conf.mobile_field: accounts.stored(reset.mobile)}
        if not databases.people().filter(**as_it_was).update(password=user.password):
            raise SmsCodeInvalid
        # The signal of save() ends every session.
        user.save(update_fields=["password"])
        MobileChange.objects.using(databases.primary(MobileChange)).filter(user=user.pk).delete()
        proofs.record(user, reset.mobile, proved.proved_by, doubtful=doubtful)
        sms_codes.void(reset.mobile, but=PURPOSE)
        if not proved.claim():
            raise SmsCodeInvalid
    return user


def _refuse_operators(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Answer as for a person whose word is not accepted. To the holder of the number that answer is true, and it does
    not say whose account it is. The audit trail and the log say it.
    """
    if accounts.is_operator(user):
        audit.note(request, user_id=user.pk)
        logger.warning("SMS cannot reset the password of user %s, an operator: use manage.py changepassword", user.pk)
        raise OwnerRefused


def _forget(reset: Reset) -> None:
    """If this fails, the reset still has no value until it expires: its password was replaced."""
    with suppress(StorageUnavailable):
        sms_codes.void(reset.mobile)
        with store.connection() as client:
            client.delete(_key(reset.id))


def _stamped(mobile: str) -> tuple[str, bool]:
    """A text of the account with the mobile and its password, and whether there is such an account. If there is none,
    the text is a random one that no account has.
    """
    named = databases.people().filter(**{conf.mobile_field: accounts.stored(mobile)})
    # The query returns one row in both cases. To read an account's row takes longer than to find no row, and an
    # attacker who measures a thousand requests could see the difference.
    found = named.aggregate(key=Max(Cast("pk", CharField())), hash=Max("password"))
    nobody = secrets.token_urlsafe(16)
    said = nobody if found["key"] is None else f"{found['key']}:{found['hash']}"
    return said, said is not nobody


def _keep(reset: Reset) -> None:
    with store.connection() as client:
        client.set(_key(reset.id), json.dumps(asdict(reset)), ex=MAX_AGE)


def _key(reset_id: str) -> str:
    return store.key("reset", _digest(reset_id))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
