"""The gate before every act that an SMS alone allows. It decides: is the person who just proved this number the owner
of the account that has it?

A carrier may give a number to another person 90 days after its holder has given it up. If a person has only the number,
and was not seen with it for 90 days, they are asked. They see no more of the account than a masked name and a month.
Their answer (``mine``, ``not_mine``) goes to ``POST /ownership/``. Then the client repeats the request that caused the
question. The gate remembers the answer for ten minutes, for the same number and purpose, and for the same browser, or
for the same identity in a bind.
"""

import secrets
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest
from django.utils import timezone

from phonebind import accounts, databases, store
from phonebind.conf import conf
from phonebind.lifecycle import devices, number_state, proofs
from phonebind.lifecycle.exceptions import OwnerUnclear, QuestionInvalid
from phonebind.lifecycle.models import MobileProof, Session
from phonebind.lifecycle.number_state.base import State
from phonebind.models import SocialAccount

#: A carrier gives a number to a new owner only after it was out of use for this long.
FROZEN = timedelta(days=90)
#: Seconds that a question can be answered, and that an answer is remembered.
MAX_AGE = 600
#: What an answer is worth. SHOWN: the person has shown something else of the account. WORD: only their word.
SHOWN, WORD = "shown", "word"

_SALT = "phonebind.lifecycle.ownership.v1"
_ATTRIBUTE = "_phonebind_number_state"
#: A session begins a moment after the proof in the same request.
_SAME_REQUEST = timedelta(seconds=30)
#: End reasons that still prove the device to be the owner's. A session that ended as "revoked" may have been a
#: stranger's.
_HARMLESS = ("", "signed_out")


@dataclass(frozen=True, slots=True)
class Door:
    """The act that the person wants to do. ``claimant``: who the proof of the mobile is for, if that is not a browser.
    ``strength`` and ``source``: how it was proved, as in ``VerifiedMobile``.
    """

    purpose: str = "sign_in"
    claimant: str = ""
    strength: str = "sms"
    source: str = ""


SIGN_IN = Door()
RESET = Door("reset_password")


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the gate, and the person that it is for. ``subject``: the key of the identity in a bind, or the
    hash of the device. ``strength`` and ``source``: as in ``VerifiedMobile``. ``once``: a random id of this question.
    """

    purpose: str
    subject: str
    mobile: str
    user_pk: str
    strength: str
    source: str
    once: str


def decide(
    request: HttpRequest,
    user: AbstractBaseUser,
    mobile: str,
    *,
    second_way: bool = False,
    door: Door = SIGN_IN,
) -> bool:
    """Let ``user`` in, or raise a question. True means on probation: record the proof of the mobile as doubtful
    (``proofs.record``).

    ``second_way``: this flow has also proved a password or an identity of the account. Raises OwnerUnclear,
    StorageUnavailable.
    """
    if second_way:
        return False
    # During a probation every device is asked again. Otherwise the sign-in on probation would make its own device a
    # known one.
    last, doubtful = (None, True) if accounts.needs_second_way(user) else proofs.last(user, mobile)
    if not doubtful and last is not None and timezone.now() - last < FROZEN:
        return False
    subject = door.claimant or subject_of(request)
    worth = answered(door.purpose, subject, mobile, user.pk)
    if worth:
        return worth == WORD
    if not doubtful:
        if _is_known_device(request, user, mobile):
            return False
        if last is not None and _state_since(request, mobile, last) == "same":
            return True
    question = Question(
        door.purpose, subject, mobile, str(user.pk), door.strength, door.source, secrets.token_urlsafe(12)
    )
    # Only another operator can take the number from an operator's account.
    choices = ["mine"] if accounts.needs_second_way(user) else ["mine", "not_mine"]
    ticket = signing.dumps(astuple(question), salt=_SALT, compress=True)
    raise OwnerUnclear(hint_of(user), choices, ticket, partial(devices.remember, request))


def knows(request: HttpRequest, mobile: str) -> bool:
    """Whether the account of this number, if there is one, has signed in from the device that sent the request. Such a
    device may use the reserved part of the number's SMS limit. Then strangers who use up the rest do not keep the owner
    out.

    One SQL statement for a device with a name, whatever the number is.
    """
    name = devices.known_hash(request)
    if not name:
        return False
    owned = {f"user__{conf.mobile_field}": accounts.stored(mobile)}
    sessions = Session.objects.using(databases.primary(Session)).filter(device_hash=name, **owned)
    return sessions.filter(end_reason__in=_HARMLESS).exists()


def subject_of(request: HttpRequest) -> str:
    """The hash of the browser's name; "" if the front end keeps no cookies, and then the answer is not bound to a
    browser.
    """
    return devices.hash_of(request) if devices.are_kept() else ""


def read(ticket: str) -> Question:
    """Raises QuestionInvalid if the ticket is expired or forged."""
    if ticket.isascii():
        with suppress(signing.BadSignature):
            return Question(*signing.loads(ticket, salt=_SALT, max_age=MAX_AGE))
    raise QuestionInvalid


def answer(question: Question, worth: str) -> None:
    """Remember that the person says the account is theirs. ``worth``: SHOWN or WORD. Raises StorageUnavailable."""
    with store.connection() as client:
        client.set(_key(question.purpose, question.subject, question.mobile), f"{worth}:{question.user_pk}", ex=MAX_AGE)


def answered(purpose: str, subject: str, mobile: str, user_pk: Any) -> str:
    """SHOWN, WORD, or "" if there is no answer for this account in the last ten minutes."""
    with store.connection() as client:
        found = client.get(_key(purpose, subject, mobile))
    text = found.decode() if isinstance(found, bytes) else str(found or "")
    worth, _, pk = text.partition(":")
    return worth if pk == str(user_pk) else ""


def hint_of(user: AbstractBaseUser) -> dict[str, str]:
    """All that is shown of an account before its owner is certain: "小**", and the month of the last use."""
    accounts_of = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(user=user.pk)
    newest = accounts_of.order_by("-updated_at").first()
    seen = Session.objects.using(databases.primary(Session)).filter(user=user.pk).order_by("-last_seen_at").first()
    moment = seen.last_seen_at if seen else newest.updated_at if newest else None
    nickname = newest.nickname if newest else ""
    return {
        "nickname": f"{nickname[:1]}**" if nickname else "",
        "last_used": f"{timezone.localtime(moment):%Y-%m}" if moment else "",
    }


def _state_since(request: HttpRequest, mobile: str, last: datetime) -> State:
    """Ask the vendor, who is slow and bills answers. Ask once for each request, even if the operation is repeated."""
    looked_up: dict[str, State] = request.__dict__.setdefault(_ATTRIBUTE, {})
    if mobile not in looked_up:
        looked_up[mobile] = number_state.since(mobile, last)
    return looked_up[mobile]


def _is_known_device(request: HttpRequest, user: AbstractBaseUser, mobile: str) -> bool:
    """Whether this account has signed in from the device. After a doubtful proof, only sign-ins before the last good
    proof count.
    """
    name = devices.known_hash(request)
    if not name:
        return False
    sessions = Session.objects.using(databases.primary(Session)).filter(user=user.pk, device_hash=name)
    rows = MobileProof.objects.using(databases.primary(MobileProof)).filter(user=user.pk, mobile=mobile, current=True)
    row = rows.exclude(doubtful_until=None).first()
    if row is not None:
        sessions = sessions.filter(created_at__lte=row.last_proved_at + _SAME_REQUEST)
    return sessions.filter(end_reason__in=_HARMLESS).exists()


def _key(purpose: str, subject: str, mobile: str) -> str:
    return store.key(f"owner_{purpose}", f"{subject}:{mobile}")
