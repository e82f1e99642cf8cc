"""The answers of a person that the gate has asked whether an account is theirs. ``mine`` needs a second proof, or the
person's word if the account has no other way to sign in. ``not_mine`` takes the number from the account.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from phonebind import accounts, audit, databases, limits, mobile_proofs, oauth, signals, sms_codes, store
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, TicketInvalid, TokenInvalid
from phonebind.lifecycle import attempts, devices, numbers, ownership, step_up
from phonebind.lifecycle.exceptions import AuthenticationInsufficient, OwnerHeld, OwnerRefused, QuestionInvalid
from phonebind.lifecycle.models import Session
from phonebind.lifecycle.ownership import SHOWN, WORD, Question
from phonebind.lifecycle.people import Person
from phonebind.mobile_proofs import Proof
from phonebind.models import SocialAccount
from phonebind.oauth import Identity

#: Seconds that a person must wait before their word is accepted, and seconds until the wait is forgotten.
HOLD, HELD = 72 * 3_600, 14 * 86_400


@dataclass(frozen=True, slots=True)
class Choice:
    """``word``: "mine" or "not_mine". ``identity``: the identity of the bind that the question was about. ``person``:
    the signed-in person, and ``verification`` is their proof of ``step_up``. ``claimant``: who the proof of the mobile
    is for, if that is not a browser.
    """

    word: str
    password: str | None = field(default=None, repr=False)
    identity: Identity | None = None
    person: Person | None = None
    verification: str = ""
    claimant: str = ""


def answer(request: HttpRequest, question: Question, choice: Choice) -> Proof | None:
    """Carry out the choice. A bind goes on with the proof that is returned: after ``not_mine`` no SMS code of the
    number is good any more.

    Raises TicketInvalid (the question was about another bind), QuestionInvalid (also if it was put to another browser),
    and what :func:`mine` raises.
    """
    identity = choice.identity
    if identity is not None:
        is_theirs = question.purpose == "bind" and question.subject == identity.key
    else:
        asked = ("", devices.known_hash(request), choice.claimant)
        is_theirs = question.purpose != "bind" and question.subject in asked
    if not is_theirs:
        raise TicketInvalid if question.purpose == "bind" else QuestionInvalid
    audit.note(request, mobile=question.mobile)
    if choice.word == "mine":
        mine(request, question, choice)
    else:
        not_mine(question)
    if identity is None:
        return None
    return mobile_proofs.issue(question.mobile, identity, strength=question.strength, source=question.source)


def mine(request: HttpRequest, question: Question, choice: Choice) -> None:
    """Raises QuestionInvalid (used, or its facts have changed), PasswordWrong, TooManyAttempts, ServerBusy,
    AccountDisabled, AuthenticationInsufficient (it names the methods that the account has), OwnerHeld, OwnerRefused,
    StorageUnavailable.
    """
    user = _user(question)
    ways = _ways(user)
    if question.purpose == ownership.RESET.purpose:
        # Do not ask for the password that the person has forgotten. Otherwise an account with only a password would be
        # lost.
        ways = [way for way in ways if way != "password"]
    if choice.password is not None and accounts.has_password(user):
        accounts.check_password(user, choice.password, limits.client_address(request))
        worth = SHOWN
    elif choice.person is not None and _has_shown(choice.person, choice.verification, user):
        worth = SHOWN
    elif ways:
        raise AuthenticationInsufficient(conf.step_up_max_age, ways)
    else:
        accounts.check_enabled(user)
        _take_word(request, user, question.mobile)
        worth = WORD
    _spend(question)
    ownership.answer(question, worth)
    if worth == WORD:
        signals.number_doubtful.send_robust(Session, user=user, request=request, outcome="accepted")


def not_mine(question: Question) -> None:
    """Take the number from the account and void all its codes. Raises QuestionInvalid, StorageUnavailable."""
    user = _user(question)
    if accounts.needs_second_way(user):
        raise QuestionInvalid
    _spend(question)
    try:
        attempts.at_last(lambda: _release(user, question.mobile))
    except PhonebindError:
        _give_back(question)
        raise


def _release(user: AbstractBaseUser, mobile: str) -> None:
    with transaction.atomic(using=databases.primary(get_user_model()), durable=True):
        if not numbers.release(user, mobile, "new_owner"):
            raise QuestionInvalid
        # This comes last. If the store is down the number stays in the account; the codes are not good in either case.
        sms_codes.void(mobile)


def _user(question: Question) -> AbstractBaseUser:
    """The user that the question was about, while they have the number. Raises QuestionInvalid."""
    if store.exists(_spent(question)):
        raise QuestionInvalid
    user = accounts.find(question.mobile)
    if user is None or str(user.pk) != question.user_pk:
        raise QuestionInvalid
    return user


def _ways(user: AbstractBaseUser) -> list[str]:
    """The methods by which the owner could show something besides the number."""
    rows = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(user=user.pk)
    has = {
        "password": accounts.has_password(user),
        "provider": any(oauth.is_configured(each.provider, each.app_id) for each in rows),
    }
    return [way for way, there in has.items() if there]


def _has_shown(person: Person, verification: str, user: AbstractBaseUser) -> bool:
    """Whether the person has just signed in to this account by something other than its number."""
    if person.user.pk != user.pk:
        return False
    try:
        step_up.require(person, verification, "password", "provider")
    except (TokenInvalid, AuthenticationInsufficient):
        return False
    return True


def _take_word(request: HttpRequest, user: AbstractBaseUser, mobile: str) -> None:
    """Raises OwnerHeld, OwnerRefused."""
    if accounts.needs_second_way(user) or conf.owner_word == "refuse":
        raise OwnerRefused
    if conf.owner_word == "accept":
        return
    name, now = store.key("owner_held", f"{user.pk}:{mobile}"), time.time()
    with store.connection() as client:
        first = bool(client.set(name, repr(now), nx=True, ex=HELD))
        since = float(client.get(name) or now)
    seen = Session.objects.using(databases.primary(Session)).filter(
        user=user.pk, last_seen_at__gt=datetime.fromtimestamp(since, UTC)
    )
    if not first and seen.exists():
        # The owner uses the account, and was notified.
        raise OwnerRefused
    if first:
        signals.number_doubtful.send_robust(Session, user=user, request=request, outcome="held")
    if now < since + HOLD:
        raise OwnerHeld(datetime.fromtimestamp(int(since + HOLD), UTC))


def _spend(question: Question) -> None:
    if not store.first(_spent(question), ownership.MAX_AGE):
        raise QuestionInvalid


def _give_back(question: Question) -> None:
    with store.connection() as client:
        client.delete(_spent(question))


def _spent(question: Any) -> str:
    return store.key("owner_question", question.once)
