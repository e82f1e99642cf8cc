"""The answer to whom the gate has asked: is this account yours?"""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import binding, limits, mobile_proofs, tickets
from phonebind.accounts import PASSWORD_MAX
from phonebind.api.base import View
from phonebind.api.serializers import Shape
from phonebind.exceptions import TicketInvalid
from phonebind.lifecycle import devices, owner_choices, ownership, tutorial
from phonebind.lifecycle.ownership import Question
from phonebind.oauth import Identity


class Choice(Shape):
    """``access_token``: the bind ticket, where a bind was asked about; or the token of the course's last step."""

    ticket = serializers.CharField(max_length=4096)
    choice = serializers.ChoiceField(("mine", "not_mine"))
    password = serializers.CharField(
        max_length=PASSWORD_MAX, trim_whitespace=False, allow_blank=True, allow_null=True, default=None
    )
    access_token = serializers.CharField(max_length=4096, allow_blank=True, default="")


class OwnershipView(View):
    """200 ``{choice, purpose}``, and for a bind ``mobile_proof``: then the request that was asked about is sent again.
    After ``not_mine`` no SMS code of the number is good any more; a bind goes on with ``mobile_proof``.
    """

    actions: ClassVar = {"POST": "ownership"}

    def post(self, request: Request) -> Response:
        limits.take(("owner_choice_address_hour", limits.client_address(request._request)))
        form = Choice.read(request.data)
        question = ownership.read(form["ticket"])
        self.note(mobile=question.mobile)
        identity = self._identity(request, question, form["access_token"])
        if form["choice"] == "mine":
            owner_choices.mine(request, question, form["password"] or None)
        else:
            owner_choices.not_mine(question)
        self.note(outcome=form["choice"])
        return Response({"choice": form["choice"], "purpose": question.purpose} | _proof(question, identity))

    def _identity(self, request: Request, question: Question, access_token: str) -> Identity | None:
        """Of the bind that was asked about. Raises TicketInvalid: the question was put to somebody else, or the bind is
        done.
        """
        if question.purpose != "bind":
            asked = ("", devices.known_hash(request._request), tutorial.claimant_of(access_token))
            if question.subject not in asked:
                raise TicketInvalid
            return None
        flow = self.flow
        ticket = tickets.read_any(request._request, access_token, unbound=flow.unbound, loose=flow.loose)
        if ticket.identity.key != question.subject or tickets.is_spent(ticket) or binding.find(ticket.identity):
            raise TicketInvalid
        return ticket.identity


def _proof(question: Question, identity: Identity | None) -> dict[str, Any]:
    if identity is None:
        return {}
    proof = mobile_proofs.issue(question.mobile, identity, strength=question.strength, source=question.source)
    return {"mobile_proof": proof.token, "expires_in": mobile_proofs.MAX_AGE}
