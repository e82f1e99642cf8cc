"""Whether a number has a new owner: Aliyun's ``DescribePhoneTwiceTelVerify`` (DYTNS, 2020-02-17).

The last digits of the number select the answer. 91: it has a new owner since any moment. 93: it is cancelled. 90: not
known. All others: the owner is the same. ``Mask`` may hide the number as a hash. Then only the ten thousand test
numbers from 13900000000 on are recognised, by their hashes.
"""

import functools
import re
from hashlib import md5, sha256
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path

from . import acs3, faults, network
from .conf import ALIYUN_SECRETS
from .gate import sandbox_view
from .sms_codes import SmsRefused

AUTH_CODE = "sandbox-auth-code"

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_ENDINGS = {"91": 1, "93": 3, "90": 0}
_SAME = 2


@sandbox_view("POST")
def aliyun(request: HttpRequest) -> HttpResponseBase:
    switches = faults.read()

    def answer() -> HttpResponse:
        about = {"RequestId": str(uuid4()).upper()}
        try:
            result = _verify(request, float(switches["clock_skew"]))
        except SmsRefused as refused:
            return JsonResponse({"Code": refused.code, "Message": refused.words or refused.code, **about})
        return JsonResponse({"Code": "OK", "Message": "OK", "Data": {"VerifyResult": result}, **about})

    return network.pass_through(request, switches, "number_state_network", answer)


def _verify(request: HttpRequest, skew: float) -> int:
    request.body  # noqa: B018 - read before the form is, or it is gone
    acs3.check(request, ALIYUN_SECRETS, skew)
    if request.headers["x-acs-action"] != "DescribePhoneTwiceTelVerify":
        raise SmsRefused("InvalidAction.NotFound")
    if request.headers["x-acs-version"] != "2020-02-17":
        raise SmsRefused("InvalidVersion")
    form = request.GET.dict() | request.POST.dict()
    if form.get("AuthCode") != AUTH_CODE:
        raise SmsRefused("isv.AUTH_CODE_ILLEGAL")
    number = _unmasked(form.get("Mask", ""), form.get("InputNumber", ""))
    if not _MOMENT.fullmatch(form.get("StartTime", "")) or not number:
        raise SmsRefused("isv.INVALID_PARAMETERS")
    return _ENDINGS.get(number[-2:], _SAME)


def _unmasked(mask: str, number: str) -> str:
    """The number behind the mask; "" if it is invalid."""
    if mask == "NORMAL":
        return number if _MOBILE.fullmatch(number) else ""
    if not re.fullmatch({"MD5": "[0-9a-fA-F]{32}", "SHA256": "[0-9a-fA-F]{64}"}.get(mask, "-"), number):
        return ""
    return _known(mask).get(number.lower(), "unknown")


@functools.cache
def _known(mask: str) -> dict[str, str]:
    digest = sha256 if mask == "SHA256" else md5
    numbers = [f"1390000{last:04}" for last in range(10_000)]
    return {digest(number.encode()).hexdigest(): number for number in numbers}


urlpatterns = [path("aliyun/", aliyun, name="number_state_aliyun")]
