"""One-tap sign-in: the token that a carrier's SDK gives an app, and the two vendors that return the number for it.

Aliyun's ``GetMobile`` (DYPNS, 2017-05-25) and Tencent's ``rapidauth/validate`` (NVS). A laptop has no SIM card, so
``GET /one-tap/token?source=aliyun&mobile=13800000001`` plays the app. With ``foreign=1`` the token belongs to an app of
another customer.
"""

import hmac
import re
import secrets
import time
from collections.abc import Mapping
from hashlib import sha256
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path

from . import acs3, faults, network, state
from .bodies import Unreadable, read_object
from .conf import ALIYUN_SECRETS, TENCENT_ONE_TAP_KEYS
from .faults import Faults
from .gate import sandbox_view
from .one_tap_codes import ALIYUN_ONE_TAP, ALIYUN_ONE_TAP_STATUS, TENCENT_ONE_TAP
from .sms_codes import SmsRefused

SOURCES = ("aliyun", "tencent")
#: The lifetime of a token in seconds, by carrier. The names are those of Tencent's SDK.
LIVES: Mapping[str, int] = {"mobile": 120, "telecom": 600, "unicom": 1_800}
#: Seconds by which the clock of a signature may be wrong.
TOLERANCE = 600
#: How long tokens are remembered, in seconds. So a used token differs from an unknown one.
_MEMORY = 86_400

_MOBILE = re.compile(r"1[3-9][0-9]{9}")


class NoToken(Exception):
    """The token was never issued, has expired, is used, or was issued to another app (``foreign``)."""

    def __init__(self, *, foreign: bool = False) -> None:
        super().__init__()
        self.foreign = foreign


@sandbox_view("GET")
def token(request: HttpRequest) -> HttpResponseBase:
    """The token that the app would get after the tap."""
    asked = request.GET
    source, mobile, carrier = asked.get("source", ""), asked.get("mobile", ""), asked.get("carrier", "mobile")
    if source not in SOURCES or carrier not in LIVES or not _MOBILE.fullmatch(mobile):
        wanted = {"source": SOURCES, "carrier": tuple(LIVES), "mobile": "11 digits"}
        return JsonResponse({"error": "source, carrier or mobile is not valid", "wanted": wanted}, status=400)
    issued = secrets.token_hex(24)
    kept = {"source": source, "mobile": mobile, "carrier": carrier, "foreign": "foreign" in asked, "at": time.time()}
    state.put("one_tap", issued, kept, _MEMORY)
    return JsonResponse({"token": issued, "carrier": carrier, "expires_in": LIVES[carrier]})


@sandbox_view("POST")
def aliyun(request: HttpRequest) -> HttpResponseBase:
    """Parameters are in the query or in a form. The signature uses the path ``/``."""
    switches = faults.read()

    def answer() -> HttpResponse:
        about = {"RequestId": str(uuid4()).upper()}
        try:
            number = _get_mobile(request, switches)
        except SmsRefused as refused:
            words = refused.words or ALIYUN_ONE_TAP[refused.code]
            status = ALIYUN_ONE_TAP_STATUS.get(refused.code, 200)
            return JsonResponse({"Code": refused.code, "Message": words, **about}, status=status)
        found = {"Code": "OK", "Message": "OK", "GetMobileResultDTO": {"Mobile": _written(number, switches)}}
        return JsonResponse({**found, **about})

    return network.pass_through(request, switches, "one_tap_network", answer)


@sandbox_view("POST")
def tencent(request: HttpRequest) -> HttpResponseBase:
    switches = faults.read()

    def answer() -> HttpResponse:
        try:
            number = _validate(request, switches)
        except SmsRefused as refused:
            return JsonResponse({"result": int(refused.code), "errmsg": TENCENT_ONE_TAP[refused.code]})
        return JsonResponse({"result": 0, "errmsg": "", "mobile": _written(number, switches)})

    return network.pass_through(request, switches, "one_tap_network", answer)


def _get_mobile(request: HttpRequest, switches: Faults) -> str:
    request.body  # noqa: B018 - read before the form is, or it is gone
    acs3.check(request, ALIYUN_SECRETS, float(switches["clock_skew"]))
    if request.headers["x-acs-action"] != "GetMobile":
        raise SmsRefused("InvalidAction.NotFound")
    if request.headers["x-acs-version"] != "2017-05-25":
        raise SmsRefused("InvalidVersion")
    _refuse_as_switched(switches, "aliyun_one_tap_code")
    fields = request.GET.dict() | request.POST.dict()
    try:
        return _take("aliyun", fields.get("AccessToken", ""))
    except NoToken as error:
        raise SmsRefused("isv.TOKEN_UNAUTHORIZED_USED" if error.foreign else "isv.TOKEN_INVALID") from None


def _validate(request: HttpRequest, switches: Faults) -> str:
    try:
        fields = {name: str(value) for name, value in read_object(request).items()}
    except Unreadable:
        raise SmsRefused("1004") from None
    key = TENCENT_ONE_TAP_KEYS.get(request.GET.get("sdkappid", ""), "")
    signed = f"appkey={key}&random={request.GET.get('random', '')}&time={fields.get('time', '')}"
    sig = sha256(signed.encode()).hexdigest()
    if not key or not hmac.compare_digest(sig.encode(), fields.get("sig", "").encode()):
        raise SmsRefused("1001")
    if abs(time.time() + float(switches["clock_skew"]) - _seconds(fields.get("time", ""))) > TOLERANCE:
        raise SmsRefused("1001")
    _refuse_as_switched(switches, "tencent_one_tap_code")
    try:
        return _take("tencent", fields.get("token", ""), fields.get("carrier", ""))
    except NoToken:
        raise SmsRefused("1030") from None


def _take(source: str, name: str, carrier: str | None = None) -> str:
    """The number of a token. A token can be used once. Raises NoToken."""
    kept = state.get("one_tap", name)
    if kept is None or kept["source"] != source or carrier not in (None, kept["carrier"]):
        raise NoToken
    if kept["foreign"]:
        raise NoToken(foreign=True)
    if time.time() - kept["at"] >= LIVES[kept["carrier"]] or not state.put_once("one_tap_used", name, _MEMORY):
        raise NoToken
    return str(kept["mobile"])


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch("[0-9]{1,12}", text) else float("-inf")


def _refuse_as_switched(switches: Faults, switch: str) -> None:
    if switches[switch] != "none":
        raise SmsRefused(str(switches[switch]))


def _written(number: str, switches: Faults) -> str | int:
    """The number as text, or as a JSON number: a sample of Aliyun's documentation has a number."""
    return int(number) if switches["one_tap_number"] == "number" else number


urlpatterns = [
    path("token", token, name="one_tap_token"),
    path("aliyun/", aliyun, name="one_tap_aliyun"),
    path("tencent/v5/rapidauth/validate", tencent, name="one_tap_tencent"),
]
