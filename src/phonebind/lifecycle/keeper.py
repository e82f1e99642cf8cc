"""What the core calls in this app: the implementation of ``phonebind.life.Life``."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from phonebind import limits
from phonebind.exceptions import PhonebindError, TokenInvalid
from phonebind.life import Joining, Turn
from phonebind.lifecycle import (
    endings,
    flows,
    intents,
    known_mobile,
    owner_choices,
    ownership,
    people,
    proofs,
    sessions,
)
from phonebind.lifecycle.pages import returns, step_up
from phonebind.oauth import WebProvider

#: The templates that ask the visitor a question after these errors.
SCREENS = {
    "owner_unclear": "owner.html",
    "identity_exists": "second_identity.html",
    "consent_missing": "new_account.html",
}


class Keeper:
    """The protocol ``phonebind.life.Life`` describes each method."""

    def begin(
        self,
        request: HttpRequest | None,
        user: AbstractBaseUser,
        method: str,
        social_account: Any,
        since: float,
        ends: float,
    ) -> Turn:
        return sessions.begin(request, user, method, social_account, since, ends)

    def turn(self, sid: str, seq: int, user: AbstractBaseUser, ends: float) -> Turn:
        return sessions.turn(sid, seq, user, ends)

    def is_live(self, user_pk: Any, sid: str, since: float | None) -> bool:
        return endings.is_live(user_pk, sid, since)

    def end(self, sid: str, reason: str) -> None:
        endings.end(endings.find(sid), reason)

    def end_all(self, user_pk: Any, reason: str, using: str | None = None) -> None:
        endings.end_all(user_pk, reason, using)

    def intent(self, request: Request) -> str:
        return intents.asked_for(request)

    def came_back(self, request: HttpRequest, provider: WebProvider, state: str, code: str) -> HttpResponse | None:
        return returns.answer(request, provider, state, code)

    def is_confirmed(self, request: HttpRequest) -> bool:
        return step_up.is_confirmed(request)

    def confirm(self, request: HttpRequest) -> HttpResponse:
        return step_up.confirm(request)

    def ask_for_code(self, purpose: str, flow: str) -> tuple[str, str]:
        return flows.start(purpose, flow)

    def is_known_device(self, request: HttpRequest, mobile: str) -> bool:
        return ownership.knows(request, mobile)

    def hold(self, user: AbstractBaseUser, mobile: str) -> None:
        people.hold(user, mobile)

    def mobile_proved(self, user: AbstractBaseUser, mobile: str, proved_by: str, *, doubtful: bool = False) -> None:
        proofs.record(user, mobile, proved_by, doubtful=doubtful)

    def answer_owner(
        self, request: HttpRequest, ticket: str, choice: str, password: str | None, identity: Any | None
    ) -> str:
        limits.take(("owner_choice_address_hour", limits.client_address(request)))
        question = ownership.read(ticket)
        try:
            person = people.of_page(request)
        except TokenInvalid:
            person = None
        given = owner_choices.Choice(choice, password, identity, person)
        proof = owner_choices.answer(request, question, given)
        return proof.token if proof else ""

    def screen(self, error: PhonebindError) -> str:
        return SCREENS.get(error.code, "")

    def known_owner(
        self,
        request: HttpRequest,
        user: AbstractBaseUser,
        identity: Any,
        mobile: Any,
        password: str | None,
        choice: str,
    ) -> Joining:
        return known_mobile.check(request, user, identity, mobile, password, choice)

    def attaching(self, user: AbstractBaseUser, identity: Any) -> None:
        known_mobile.hold_to_one(user, identity)
