"""What proves a mobile: the image, the check that a person asks, the SMS."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import human, limits, tickets
from phonebind.api import serializers
from phonebind.api.base import View
from phonebind.exceptions import Invalid
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
        ticket = form.pop("access_token", None)
        holder = ticket and tickets.read_any(request._request, ticket, unbound=self.flow.unbound, loose=True).identity
        sent = human.send_code(request._request, form.pop("mobile"), human.Answers(**form), holder or None)
        return Response(sent.body)
