"""The views for an SMS code: the image code, the human check, and the SMS."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import human, life, limits, sms_codes, tickets
from phonebind.api import serializers
from phonebind.api.base import View
from phonebind.exceptions import Invalid, SmsUnconfirmed
from phonebind.human.image_codes import MEDIA_TYPE


class ImageCodeView(View):
    actions: ClassVar = {"GET": "image_code"}
    guarded = ("GET",)

    def get(self, request: Request, image_code_id: str) -> HttpResponse:
        image = human.draw(serializers.image_code_id(image_code_id), limits.client_address(request._request))
        self.note(outcome="drawn")
        return HttpResponse(image, content_type=MEDIA_TYPE)


class HumanCheckView(View):
    actions: ClassVar = {"GET": "human_check"}
    guarded = ("GET",)

    def get(self, request: Request, mobile: str) -> Response:
        self.note(mobile=mobile)
        form = serializers.HumanCheckRequest.read({**request.query_params.dict(), "mobile": mobile})
        asked = human.issue(**form, address=limits.client_address(request._request))
        self.note(outcome="asked")
        return Response(asked)


class SmsCodeView(View):
    actions: ClassVar = {"GET": "sms_code", "POST": "sms_code"}
    guarded = ("GET", "POST")

    def get(self, request: Request, mobile: str) -> Response:
        return self._send(request, mobile, request.query_params)

    def post(self, request: Request, mobile: str) -> Response:
        return self._send(request, mobile, request.data)

    def _send(self, request: Request, mobile: str, data: Any) -> Response:
        self.note(mobile=mobile)
        if not isinstance(data, Mapping):
            raise Invalid
        form = serializers.SmsCodeRequest.read({name: data[name] for name in data} | {"mobile": mobile})
        purpose, ticket, flow = (form.pop(name) for name in ("purpose", "access_token", "flow"))
        answers = human.Answers(**{name: form[name] for name in form if name != "mobile"})
        if purpose == "bind":
            how = self._how(ticket)
            return Response(human.send_code(request._request, form["mobile"], answers, **how).body)
        if not life.installed:
            raise Invalid({"purpose": [_("No such codes are sent here.")]})
        holder, flow = life.installed.ask_for_code(purpose, flow)
        is_known = life.installed.is_known_device(request._request, form["mobile"])
        how = sms_codes.How(holder=holder, purpose=purpose, reserved=is_known)
        try:
            sent = human.send_code(request._request, form["mobile"], answers, **how)
        except SmsUnconfirmed as error:
            # The SMS may still arrive, and then its code is valid.
            error.facts = {"flow": flow}
            raise
        return Response(sent.body | {"flow": flow})

    def _how(self, ticket: str) -> sms_codes.How:
        if not ticket:
            return {}
        found = tickets.read_any(self.request._request, ticket, unbound=self.flow.unbound, loose=True)
        return {"holder": found.identity.key}
