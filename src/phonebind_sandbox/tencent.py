"""Tencent's captcha: the script for a page, and the API that verifies the script's ticket."""

import json
import secrets
import time
from collections.abc import Mapping
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from . import faults, network, state, tc3
from .bodies import Unreadable, read_object
from .codes import CAPTCHA_CODES, CLOUD_ERRORS, CloudError
from .conf import CAPTCHA_APP_ID, CAPTCHA_SECRET_KEY, CLOUD_SECRETS
from .faults import Faults
from .gate import sandbox_view

TICKET_SECONDS = 300
JAVASCRIPT = "text/javascript; charset=utf-8"

# Tickets are kept longer than they are valid. So "expired" differs from "unknown".
_MEMORY_SECONDS = 86_400
_PARAMETERS: Mapping[str, type] = {
    "CaptchaType": int,
    "Ticket": str,
    "UserIp": str,
    "Randstr": str,
    "CaptchaAppId": int,
    "AppSecretKey": str,
}


@sandbox_view("GET")
def script(request: HttpRequest) -> HttpResponse:
    return render(request, "phonebind_sandbox/TJCaptcha.js", content_type=JAVASCRIPT)


@sandbox_view("GET")
def ticket(request: HttpRequest) -> HttpResponse:
    """Issue a ticket after a click on the button. The response is a script, because the page's policy may allow
    nothing else of ours.
    """
    issued = {"ticket": f"tr03{secrets.token_urlsafe(48)}*", "randstr": f"@{secrets.token_hex(2)}"}
    app_id = request.GET.get("app_id", "")
    kept = {"randstr": issued["randstr"], "app_id": app_id, "issued_at": time.time()}
    state.put("captcha", issued["ticket"], kept, TICKET_SECONDS + _MEMORY_SECONDS)
    call = request.GET.get("call", "")
    return HttpResponse(
        f"TencentCaptcha.answered({json.dumps(call)}, {json.dumps(issued)});\n", content_type=JAVASCRIPT
    )


@sandbox_view("POST")
def api(request: HttpRequest) -> HttpResponseBase:
    """``DescribeCaptchaResult``, version 2019-07-22. The path can be any; the signature uses the path ``/``."""
    switches = faults.read()

    def answer() -> HttpResponse:
        try:
            code = _describe(request, switches)
            fields = {"CaptchaCode": code, "CaptchaMsg": CAPTCHA_CODES[code], "EvilLevel": 0, "GetCaptchaTime": 0}
        except CloudError as error:
            fields = {"Error": {"Code": error.code, "Message": CLOUD_ERRORS[error.code]}}
        return JsonResponse({"Response": {**fields, "RequestId": str(uuid4())}})

    return network.pass_through(request, switches, "tencent_network", answer)


def _describe(request: HttpRequest, switches: Faults) -> int:
    """The CaptchaCode of the ticket. Raises CloudError."""
    tc3.check(request, "captcha", CLOUD_SECRETS, float(switches["clock_skew"]))
    if switches["tencent_error"] != "none":
        raise CloudError(str(switches["tencent_error"]))
    if request.headers.get("X-TC-Action") != "DescribeCaptchaResult":
        raise CloudError("InvalidAction")
    if request.headers.get("X-TC-Version") != "2019-07-22":
        raise CloudError("NoSuchVersion")
    asked = _read(request)
    if switches["tencent_code"] != "none":
        return int(switches["tencent_code"])
    return _worth(asked)


def _read(request: HttpRequest) -> Mapping[str, object]:
    try:
        asked = read_object(request)
    except Unreadable:
        raise CloudError("InvalidParameter") from None
    if not asked.keys() >= _PARAMETERS.keys():
        raise CloudError("MissingParameter")
    if asked["CaptchaType"] != 9 or any(type(asked[name]) is not kind for name, kind in _PARAMETERS.items()):
        raise CloudError("InvalidParameter")
    return asked


def _worth(asked: Mapping[str, object]) -> int:
    """The CaptchaCode of the ticket. A ticket can be used once."""
    name = str(asked["Ticket"])
    kept = state.get("captcha", name)
    if (asked["CaptchaAppId"], asked["AppSecretKey"]) != (CAPTCHA_APP_ID, CAPTCHA_SECRET_KEY):
        return 100
    if kept is None:
        return 21 if name.startswith("trerror_") else 15
    if kept["app_id"] != str(CAPTCHA_APP_ID):
        return 16
    if kept["randstr"] != asked["Randstr"]:
        return 7
    return 8 if time.time() - kept["issued_at"] >= TICKET_SECONDS else _use(name)


def _use(name: str) -> int:
    return 1 if state.put_once("used_captcha", name, TICKET_SECONDS + _MEMORY_SECONDS) else 9
