"""The answer of a person that the gate has asked: is this account yours?"""

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import binding, limits, mobile_proofs, tickets
from phonebind.accounts import PASSWORD_MAX
from phonebind.api.base import View
from phonebind.api.serializers import Shape
from phonebind.exceptions import TicketInvalid, TokenInvalid
from phonebind.lifecycle import owner_choices, ownership, people, step_up, tutorial
from phonebind.lifecycle.people import Person
from phonebind.oauth import Identity


class Choice(Shape):
    """``access_token``: the bind ticket if the question was about a bind, or the token of the course's last step."""

    ticket = serializers.CharField(max_length=4096)
    choice = serializers.ChoiceField(("mine", "not_mine"))
    password = serializers.CharField(
        max_length=PASSWORD_MAX, trim_whitespace=False, allow_blank=True, allow_null=True, default=None
    )
    access_token = serializers.CharField(max_length=4096, allow_blank=True, default="")


class OwnershipView(View):
    """Answers 200 ``{choice, purpose}``, and for a bind also ``mobile_proof``. Then the client sends the request that
    caused the question again. After ``not_mine`` no SMS code of the number is good any more; a bind goes on with
    ``mobile_proof``.
    """

    actions: ClassVar = {"POST": "ownership"}

    def post(self, request: Request) -> Response:
        limits.take(("owner_choice_address_hour", limits.client_address(request._request)))
        form = Choice.read(request.data)
        question = ownership.read(form["ticket"])
        choice = owner_choices.Choice(
            form["choice"],
            form["password"] or None,
            self._identity(request, form["access_token"]) if question.purpose == "bind" else None,
            _person(request),
            request.headers.get(step_up.HEADER, ""),
            tutorial.claimant_of(form["access_token"]),
        )
        proof = owner_choices.answer(request._request, question, choice)
        self.note(outcome=form["choice"])
        proved = {"mobile_proof": proof.token, "expires_in": mobile_proofs.MAX_AGE} if proof else {}
        return Response({"choice": form["choice"], "purpose": question.purpose} | proved)

    def _identity(self, request: Request, access_token: str) -> Identity:
        """The identity of the bind that the question was about. Raises TicketInvalid if the bind is already done."""
        flow = self.flow
        ticket = tickets.read_any(request._request, access_token, unbound=flow.unbound, loose=flow.loose)
        if tickets.is_spent(ticket) or binding.find(ticket.identity):
            raise TicketInvalid
        return ticket.identity


def _person(request: Request) -> Person | None:
    try:
        return people.of(request)
    except TokenInvalid:
        return None
