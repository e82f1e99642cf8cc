"""The view that verifies a mobile number without an SMS. It is a request before the bind.

The vendor's token works once. If the bind used it, a wrong password would cost the token.
"""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import limits, mobile_proofs, tickets
from phonebind.api import serializers
from phonebind.api.base import View
from phonebind.exceptions import TicketInvalid


class MobileProofView(View):
    actions: ClassVar = {"POST": "mobile_proof"}

    def post(self, request: Request) -> Response:
        form = serializers.MobileProof.read(request.data)
        ticket = tickets.read_any(request._request, form["access_token"], unbound=self.flow.unbound, loose=True)
        if tickets.is_spent(ticket):
            raise TicketInvalid
        address = limits.client_address(request._request)
        proof = mobile_proofs.trade(form["source"], form["token"], ticket.identity, address, carrier=form["carrier"])
        self.note(outcome="proved", mobile=proof.mobile.number, proof=proof.mobile.proved_by)
        return Response({**proof.body, "expires_in": mobile_proofs.MAX_AGE})
