"""Handles a valid request to a vendor: switches, limits, inbox and receipt."""

import time
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from phonebind_sandbox import inbox, network
from phonebind_sandbox.faults import Faults
from phonebind_sandbox.network import Answer
from phonebind_sandbox.sms_codes import TYPICAL, SmsRefused

from . import limits, push, receipts
from .receipts import Receipt

LOST = "lost"


def answer(request: HttpRequest, switches: Faults, whole: Answer) -> HttpResponseBase:
    """The vendor's response, after network faults."""
    return network.pass_through(request, switches, "sms_network", whole)


def unavailable() -> HttpResponse:
    """A 503 from the proxy of a vendor; it has no error code."""
    return HttpResponse("<html><h1>503 Service Temporarily Unavailable</h1></html>", status=503)


def refuse_as_switched(vendor: str, code: str, switches: Faults) -> None:
    """Raises SmsRefused if a switch asks for it. ``code``: the name of the switch with this vendor's codes."""
    if switches[code] != "none":
        raise SmsRefused(str(switches[code]))
    if typical := TYPICAL[vendor].get(str(switches["sms_outcome"])):
        raise SmsRefused(typical)


def limit_reached(scope: str, limited: Iterable[limits.Limit], switches: Faults) -> limits.Limit | None:
    return limits.reached(scope, limited) if switches["sms_limits"] else None


def take(receipt: Receipt, scopes: Iterable[str], switches: Faults, report: push.Report | None) -> None:
    """Deliver the SMS, count it, and schedule its receipt."""
    for scope in scopes:
        limits.count(scope)
    if switches["sms_outcome"] != LOST:
        inbox.deliver(receipt.mobile, receipt.text, receipt.vendor)
    receipts.keep(receipt)
    if report:
        push.later(receipt, report)


def receipt(vendor: str, switches: Faults, **fields: str) -> Receipt:
    """The receipt of an SMS that is accepted now. A lost SMS never gets a result."""
    lost = switches["sms_outcome"] == LOST
    result = receipts.NEVER if lost else str(switches["sms_receipt"])
    return Receipt(vendor=vendor, sent_at=time.time(), result=result, **fields)
