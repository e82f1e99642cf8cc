"""WeChat's mini programs: sign-in, the phone number button, the app's access token. Also stands in for the SDKs that
give codes.
"""

import base64
import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from . import conf, grants, state
from .codes import Refused
from .faults import Faults
from .gate import sandbox_view
from .people import PEOPLE, Person, digits
from .wechat_answers import Fields, Params, authenticated, call, openid, required, unionid

APP, MINI_PROGRAM, OFFICIAL = "wechat_app", "wechat_miniprogram", "wechat_oa"
CODE_SECONDS = 300
TOKEN_SECONDS = 7_200
#: A new token is issued this many seconds before the old one expires. The old one stays valid for that time.
OVERLAP_SECONDS = 300
#: Seconds until the value "once" of the switch has effect again.
STALE_SECONDS = 10
PHONE = "phone"
#: The error for a refused code, by reason.
CODE_ERRORS = {"used": 40163, "expired": 42003}


def redeemed(code: str, app: conf.App, seconds: int = CODE_SECONDS) -> grants.Grant:
    """Redeem a code, once. Raises Refused."""
    try:
        return grants.take_code(code, app=app, seconds=seconds)
    except grants.NotGranted as error:
        raise Refused(CODE_ERRORS.get(error.reason, 40029)) from None


@call("wechat_token_error", "GET")
def jscode2session(params: Params, switches: Faults) -> Fields:
    """``{session_key, openid, unionid?}``"""
    app = authenticated(params, MINI_PROGRAM)
    code = required(params, "js_code", 41008)
    if params.get("grant_type") != "authorization_code":
        raise Refused(40002)
    grant = redeemed(code, app)
    if grant.scope == PHONE:
        raise Refused(40029)
    session_key = base64.b64encode(secrets.token_bytes(16)).decode()
    return {
        "session_key": session_key,
        "openid": openid(grant.person, app),
        **unionid(grant.person, app, switches),
    }


@call("wechat_app_token_error", "POST")
def stable_token(params: Params, switches: Faults) -> Fields:
    """``{access_token, expires_in}``. All callers get the same token until five minutes before it expires."""
    if params.get("grant_type") != "client_credential":
        raise Refused(40002)
    app = authenticated(params, MINI_PROGRAM, OFFICIAL)
    token = state.get("wechat_current", app.client_id)
    kept = state.get("wechat_token", token or "")
    if params.get("force_refresh") is True:
        state.forget("wechat_token", token or "")
        kept = None
    if kept is None or kept["until"] - time.time() <= OVERLAP_SECONDS:
        token = f"90_{secrets.token_urlsafe(96)}"
        kept = {"app": app.client_id, "until": time.time() + TOKEN_SECONDS}
        state.put("wechat_token", token, kept, 2 * TOKEN_SECONDS)
        state.put("wechat_current", app.client_id, token, 2 * TOKEN_SECONDS)
    return {"access_token": token, "expires_in": int(kept["until"] - time.time())}


@call("wechat_phone_error", "POST")
def phone_number(params: Params, switches: Faults) -> Fields:
    """``{phone_info: {phoneNumber, purePhoneNumber, countryCode, watermark}}`` for a code from the phone number
    button.
    """
    app = _owner(required(params, "access_token", 41001), switches)
    grant = redeemed(required(params, "code", 41008), app)
    if grant.scope != PHONE:
        raise Refused(40029)
    if params.get("openid", openid(grant.person, app)) != openid(grant.person, app):
        raise Refused(40003)
    form = str(switches["wechat_phone"])
    watermark = {"timestamp": int(time.time()), "appid": "wx9999999999999999" if form == "other_app" else app.client_id}
    return {"errcode": 0, "errmsg": "ok", "phone_info": {**_number(grant.person, form), "watermark": watermark}}


def mobile(person: Person) -> str:
    return f"139{int(digits('mobile', person.id)[:8], 16) % 10**8:08}"


def _number(person: Person, form: str) -> Mapping[str, Any]:
    if form == "foreign":
        return {"phoneNumber": "+85251234567", "purePhoneNumber": "51234567", "countryCode": "852"}
    country: str | int = 86 if form == "int" else "86"
    return {"phoneNumber": mobile(person), "purePhoneNumber": mobile(person), "countryCode": country}


def _owner(token: str, switches: Faults) -> conf.App:
    """The app that owns the access token. Raises Refused."""
    kept = state.get("wechat_token", token)
    form = switches["wechat_app_token"]
    if form == "stale" or kept is None:
        raise Refused(40001)
    if form == "once" and state.put_once("wechat_stale", kept["app"], STALE_SECONDS):
        state.forget("wechat_token", token)
        raise Refused(40001)
    if time.time() >= kept["until"]:
        raise Refused(42001)
    return conf.apps()[kept["app"]]


# ---------------------------------------------------------------- in place of an SDK


@sandbox_view("GET")
def sdk_code(request: HttpRequest) -> HttpResponse:
    """``{"code"}`` for ``appid`` and ``person``: as the SDK gives it to an app, or ``wx.login`` to a mini program."""
    return _given(request, (APP, MINI_PROGRAM), scope="snsapi_userinfo")


@sandbox_view("GET")
def sdk_phone_code(request: HttpRequest) -> HttpResponse:
    """``{"code"}`` for ``appid`` and ``person``: as the phone number button gives it to a mini program."""
    return _given(request, (MINI_PROGRAM,), scope=PHONE)


def _given(request: HttpRequest, kinds: tuple[str, ...], scope: str) -> HttpResponse:
    app, person = conf.apps().get(request.GET.get("appid", "")), PEOPLE.get(request.GET.get("person", ""))
    if app is None or app.kind not in kinds:
        return JsonResponse({"error": f"appid is one of an app of the kind {' or '.join(kinds)}"}, status=400)
    if person is None:
        return JsonResponse({"error": f"person is one of {', '.join(PEOPLE)}"}, status=400)
    return JsonResponse({"code": grants.issue_code(app=app, person=person, scope=scope)})
