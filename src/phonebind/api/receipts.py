"""The views for receipts of SMS: a page asks for one, and SMS vendors send them."""

from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import bodies, limits, sms_receipts
from phonebind.api.base import View
from phonebind.exceptions import UNREADABLE, Invalid


class SmsReceiptView(View):
    actions: ClassVar = {"GET": "sms_receipt"}
    #: It counts the request, and may make the server ask the vendor.
    guarded = ("GET",)

    def get(self, request: Request, receipt: str) -> Response:
        news = sms_receipts.news(receipt, limits.client_address(request._request))
        self.note(outcome=news.state)
        return Response(news.body)


class VendorReceiptView(View):
    """For SMS vendors. A secret in the path authenticates them. The gateway's code reads the raw body."""

    actions: ClassVar = {"POST": "vendor_receipts"}
    guarded = ()

    def post(self, request: Request, gateway: str, secret: str) -> HttpResponse:
        answer = sms_receipts.accept(gateway, secret, request._request.headers, _body(request))
        return HttpResponse(answer, content_type="application/json")

    def hold_to_bounds(self, request: Request) -> None:
        """Checks nothing. A body that is too long or not text is read as empty: an error would make the vendor send it
        again.
        """


def _body(request: Request) -> bytes:
    try:
        bodies.check_length(request._request)
        body = request._request.body
    except (Invalid, *UNREADABLE):
        return b""
    return body
