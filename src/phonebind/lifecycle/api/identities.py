"""The person's identities: list them, add one, remove one."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import states
from phonebind.lifecycle import identities
from phonebind.lifecycle.api import identity_forms as forms
from phonebind.lifecycle.api.base import AccountView


class IdentitiesView(AccountView):
    actions: ClassVar = {"GET": "identities", "POST": "identities"}

    def get(self, request: Request) -> Response:
        self.note(outcome="listed")
        return Response([entry.body for entry in identities.of(self.person.user)])

    def post(self, request: Request) -> Response:
        form = forms.Callback.read(request.data)
        self.note(provider=form["provider"])
        # This comes before the code is used up: the code is still good when the person comes back with a proof.
        self.require_step_up()
        entry, is_new, used = identities.bind(request._request, self.person, **form)
        response = Response(entry.body, status=201 if is_new else 200)
        states.forget(request._request, response, used)
        return response


class IdentityView(AccountView):
    actions: ClassVar = {"DELETE": "identity"}

    def delete(self, request: Request, identity_id: int) -> Response:
        given = request.query_params.dict() if "sessions" in request.query_params else request.data
        form = forms.Unbinding.read(given)
        self.require_step_up()
        identities.unbind(request._request, self.person, identity_id, everywhere=form["sessions"] == "all")
        return Response(status=204)
