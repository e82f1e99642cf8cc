"""Receipts of SMS: a person asks for one, and vendors bring them."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import bodies, limits, sms_receipts
from phonebind.api.base import View
from phonebind.exceptions import UNREADABLE, Invalid


class SmsReceiptView(View):
    actions: ClassVar = {"GET": "sms_receipt"}
    #: It counts, and may have the vendor asked.
    guarded = ("GET",)

    def get(self, request: Request, receipt: str) -> Response:
        news = sms_receipts.news(receipt, limits.client_address(request._request))
        self.note(outcome=news.state)
        return Response(news.body)


class VendorReceiptView(View):
    """For vendors, whose secret is the path. Their body is read as it came."""

    actions: ClassVar = {"POST": "vendor_receipts"}
    guarded = ()

    def post(self, request: Request, gateway: str, secret: str) -> HttpResponse:
        answer = sms_receipts.accept(gateway, secret, request._request.headers, _body(request))
        return HttpResponse(answer, content_type="application/json")

    def hold_to_bounds(self, request: Request) -> None:
        """What is too long, or no text, is no reason to be asked again."""


def _body(request: Request) -> bytes:
    try:
        bodies.check_length(request._request)
        body = request._request.body
    except (Invalid, *UNREADABLE):
        return b""
    return body
