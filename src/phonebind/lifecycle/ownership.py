"""The gate at every door that an SMS alone opens: is who just proved this number the owner of the account that has it?

A number that was given up is another person's after 90 days. Whoever holds only the number, and was not seen with it
for as long, is asked, and shown no more of the account than a masked name and a month. What they answer (``mine``,
``not_mine``) goes to ``POST /ownership/``, and the request that was asked about is then sent again: the gate knows of
the answer for ten minutes, for the same number, purpose and browser, or the same identity that is being bound.
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

#: No carrier gives a number to somebody else before it has rested for as long.
FROZEN = timedelta(days=90)
#: Seconds that a question stands, and an answer.
MAX_AGE = 600
#: What an answer is worth: something else of the account was shown; or it is their word alone.
SHOWN, WORD = "shown", "word"

_SALT = "phonebind.lifecycle.ownership.v1"
_ATTRIBUTE = "_phonebind_number_state"
#: Sessions begin just after the proof of the same request.
_SAME_REQUEST = timedelta(seconds=30)
#: How a session may have ended whose device was the owner's all the same: "revoked" may have been a stranger's.
_HARMLESS = ("", "signed_out")


@dataclass(frozen=True, slots=True)
class Door:
    """At which they stand. ``claimant``: whom the proof of the mobile is for, where that is no browser; ``strength``
    and ``source``: how it was proved, as of the ``VerifiedMobile``.
    """

    purpose: str = "sign_in"
    claimant: str = ""
    strength: str = "sms"
    source: str = ""


SIGN_IN = Door()
RESET = Door("reset_password")


@dataclass(frozen=True, slots=True)
class Question:
    """Whom it was put to, and about what. ``subject``: the key of the identity that is being bound, or the hash of the
    device; ``strength`` and ``source`` as of the ``VerifiedMobile``; ``once`` names this question.
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
    """Whether ``user`` comes in on probation: the proof of the mobile is doubtful then (``proofs.record``).

    ``second_way``: a password or an identity of the account was proved in this flow too.
    Raises OwnerUnclear, StorageUnavailable.
    """
    if second_way:
        return False
    # A probation that is running asks again, from whichever device: its own sign-in would be its witness.
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
    # The number of an operator's account leaves it by another operator's hand.
    choices = ["mine"] if accounts.needs_second_way(user) else ["mine", "not_mine"]
    ticket = signing.dumps(astuple(question), salt=_SALT, compress=True)
    raise OwnerUnclear(hint_of(user), choices, ticket, partial(devices.remember, request))


def knows(request: HttpRequest, mobile: str) -> bool:
    """Whether the account of this number, if it has one, has signed in from the device that sent the request: then an
    SMS may be of what is kept back of the number's quota, so that strangers who use up the rest keep nobody out.

    One statement for a device that has brought its name, whatever the number.
    """
    name = devices.known_hash(request)
    if not name:
        return False
    owned = {f"user__{conf.mobile_field}": accounts.stored(mobile)}
    sessions = Session.objects.using(databases.primary(Session)).filter(device_hash=name, **owned)
    return sessions.filter(end_reason__in=_HARMLESS).exists()


def subject_of(request: HttpRequest) -> str:
    """The browser; nobody in particular where the front end keeps no cookies."""
    return devices.hash_of(request) if devices.are_kept() else ""


def read(ticket: str) -> Question:
    """Raises QuestionInvalid: expired or forged."""
    if ticket.isascii():
        with suppress(signing.BadSignature):
            return Question(*signing.loads(ticket, salt=_SALT, max_age=MAX_AGE))
    raise QuestionInvalid


def answer(question: Question, worth: str) -> None:
    """The person has answered that it is theirs; ``worth``: SHOWN or WORD. Raises StorageUnavailable."""
    with store.connection() as client:
        client.set(_key(question.purpose, question.subject, question.mobile), f"{worth}:{question.user_pk}", ex=MAX_AGE)


def answered(purpose: str, subject: str, mobile: str, user_pk: Any) -> str:
    """SHOWN, WORD, or "" where nothing was answered lately about this account."""
    with store.connection() as client:
        found = client.get(_key(purpose, subject, mobile))
    text = found.decode() if isinstance(found, bytes) else str(found or "")
    worth, _, pk = text.partition(":")
    return worth if pk == str(user_pk) else ""


def hint_of(user: AbstractBaseUser) -> dict[str, str]:
    """All that is shown of an account before it is sure whose it is: "小**", and the month when it was used last."""
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
    """It is waited for, and billed: once for each request, however often the act begins anew."""
    looked_up: dict[str, State] = request.__dict__.setdefault(_ATTRIBUTE, {})
    if mobile not in looked_up:
        looked_up[mobile] = number_state.since(mobile, last)
    return looked_up[mobile]


def _is_known_device(request: HttpRequest, user: AbstractBaseUser, mobile: str) -> bool:
    """Whether this account signed in from it; since a doubtful proof, only before the last good one counts."""
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
