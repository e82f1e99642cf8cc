"""Alipay: the sign-in page, the gateway with its signatures, and the results of its SDKs in apps.

Source: the provider's documentation, and what public clients expect. If these leave a detail open, ``faults.py`` has a
switch for it.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path

from . import alipay_keys, callbacks, conf, faults, grants, network
from .codes import ALIPAY_CODES, ALIPAY_MESSAGES
from .faults import Faults
from .gate import sandbox_view
from .people import PEOPLE, Person

try:
    from . import rsa2
except ImportError:  # an optional dependency: most clients sign nothing
    rsa2 = None  # type: ignore[assignment]

Params: TypeAlias = Mapping[str, str]
Fields: TypeAlias = dict[str, Any]

KIND = "alipay"
SCOPES = {"auth_base", "auth_user"}
BEIJING = timezone(timedelta(hours=8))
#: Seconds by which the client's clock may be wrong; unverified.
TOLERANCE = 900
#: The alphabet and length from the older documentation; unverified.
_STATE = re.compile(r"[A-Za-z0-9+/=]{0,100}")
#: A different text that the sandbox has signed.
_OTHER_NODE = b'{"code":"10000","msg":"Success"}'


class Refused(Exception):
    """An error of the gateway. ``sub_code`` is one of ALIPAY_CODES."""

    def __init__(self, sub_code: str) -> None:
        super().__init__(sub_code)
        self.sub_code = sub_code


# ---------------------------------------------------------------- the page


@sandbox_view("GET", "POST")
def authorize(request: HttpRequest) -> HttpResponseBase:
    """The page on which a person signs in. After a cancel the person stays there: no callback is sent."""
    params = request.GET.dict()
    app = conf.apps(KIND).get(params.get("app_id", ""))
    if app is None:
        return _show_refused(request, "app_id", "应用不存在")
    if not app.accepts(params.get("redirect_uri", "")):
        return _show_refused(request, "redirect_uri", "授权回调地址不一致", app)
    if wrong := _wrong(params):
        return _show_refused(request, *wrong)
    if request.method == "GET":
        context = {"provider": "支付宝", "app": app, "people": PEOPLE.values(), "scope": params["scope"]}
        return render(request, "phonebind_sandbox/alipay_authorize.html", context)
    return _decide(request, app, params)


def _wrong(params: Params) -> tuple[str, str] | None:
    if not SCOPES.issuperset(params.get("scope", "").split(",")):
        return "scope", "授权范围无效"
    if not _STATE.fullmatch(params.get("state", "")):
        return "state", "state 只能是 base64 字符，最长 100 个"
    return None


def _decide(request: HttpRequest, app: conf.App, params: Params) -> HttpResponseBase:
    if "cancel" in request.POST:
        return render(request, "phonebind_sandbox/alipay_cancelled.html")
    person = PEOPLE.get(request.POST.get("person", ""))
    if person is None:
        return HttpResponse("Unknown person.", content_type="text/plain", status=400)
    return _call_back(app, person, params)


def _show_refused(request: HttpRequest, code: str, description: str, app: conf.App | None = None) -> HttpResponse:
    redirect_uri = request.GET.get("redirect_uri", "")
    context = {"code": code, "description": description, "app": app, "redirect_uri": redirect_uri}
    return render(request, "phonebind_sandbox/refused.html", context, status=400)


def _call_back(app: conf.App, person: Person, params: Params) -> HttpResponse:
    scope = params["scope"]
    code = grants.issue_code(app=app, person=person, scope=scope)
    told = {"app_id": app.client_id, "source": "alipay_wallet", "scope": scope, "auth_code": code}
    state = {"state": params["state"]} if params.get("state") else {}
    return callbacks.call_back(params["redirect_uri"], told | state)


# ---------------------------------------------------------------- the gateway


@sandbox_view("GET", "POST")
def gateway(request: HttpRequest) -> HttpResponseBase:
    """The endpoint of all calls. The response is ``{"<method>_response": {…}, "sign": "…"}``. For an error, the
    first key is ``error_response``.
    """
    if rsa2 is None:
        return JsonResponse({"error": "pip install 'phonebind-sandbox[alipay]'"}, status=501)
    params = request.GET.dict() | request.POST.dict()
    switches = faults.read()
    return network.pass_through(request, switches, "alipay_network", lambda: _answer(params, switches))


def _answer(params: Params, switches: Faults) -> HttpResponse:
    own = f"{params.get('method', '').replace('.', '_')}_response"
    try:
        return _signed(own, _called(params, switches), switches)
    except Refused as refused:
        node = own if switches["alipay_error_node"] == "own" else "error_response"
        return _signed(node, _error(refused.sub_code), switches)


def _called(params: Params, switches: Faults) -> Fields:
    app = _authenticated(params, switches)
    if params["method"] not in _METHODS:
        raise Refused("isv.invalid-method")
    switch, method = _METHODS[params["method"]]
    if switches[switch] != "none":
        raise Refused(str(switches[switch]))
    return method(app, params, switches)


def _authenticated(params: Params, switches: Faults) -> conf.App:
    """The app that signed this request, just now."""
    for name, sub_code in (("app_id", "app-id"), ("method", "method"), ("sign", "signature")):
        if not params.get(name):
            raise Refused(f"isv.missing-{sub_code}")
    app = conf.apps(KIND).get(params["app_id"])
    if app is None:
        raise Refused("isv.invalid-app-id")
    if params.get("sign_type") != "RSA2":
        raise Refused("isv.invalid-signature-type")
    if not _is_signed(app, params):
        raise Refused("isv.invalid-signature")
    if abs(time.time() + float(switches["clock_skew"]) - _seconds(params.get("timestamp", ""))) > TOLERANCE:
        raise Refused("isv.invalid-timestamp")
    return app


def _is_signed(app: conf.App, params: Params) -> bool:
    signed = {name: value for name, value in params.items() if value and name != "sign"}
    content = "&".join(f"{name}={value}" for name, value in sorted(signed.items()))
    public_key = str(app.options.get("public_key", alipay_keys.APP_PUBLIC_KEY))
    return rsa2.is_signed(content.encode(errors="replace"), params["sign"], public_key)


def _seconds(timestamp: str) -> float:
    """Seconds since 1970. The timestamp is in Beijing time, whatever the zone of this machine."""
    try:
        return datetime.strptime(timestamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        return 0


def _token(app: conf.App, params: Params, switches: Faults) -> Fields:
    if params.get("grant_type") != "authorization_code":
        raise Refused("isv.grant-type-invalid")
    try:
        tokens = grants.issue_tokens(grants.take_code(params.get("code", ""), app=app))
    except grants.NotGranted:
        raise Refused("isv.code-invalid") from None
    as_number: Callable[[int], int | str] = int if switches["alipay_numbers"] == "number" else str
    return {
        "access_token": tokens.access,
        "auth_start": datetime.now(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        "expires_in": as_number(1_296_000),
        "re_expires_in": as_number(2_592_000),
        "refresh_token": tokens.refresh,
        **_ids(app, tokens.grant.person, switches),
        **({"union_id": tokens.grant.person.alipay_union_id(app)} if app.unionid else {}),
    }


def _profile(app: conf.App, params: Params, switches: Faults) -> Fields:
    try:
        grant = grants.read(params.get("auth_token", ""))
    except grants.NotGranted:
        raise Refused("aop.auth-token-time-out") from None
    if grant is None or grant.client_id != app.client_id:
        raise Refused("aop.invalid-auth-token")
    if "auth_user" not in grant.scope.split(","):
        raise Refused("isv.insufficient-isv-permissions")
    avatar = grant.person.avatar(100).replace("http:", "https:")
    said = {"nick_name": grant.person.nickname, "avatar": avatar} if grant.person.nickname else {}
    success = {"code": 10000 if switches["alipay_numbers"] == "number" else "10000", "msg": "Success"}
    return {**success, **_ids(app, grant.person, switches), **said}


def _ids(app: conf.App, person: Person, switches: Faults) -> Fields:
    ids = {"open_id": person.alipay_open_id(app), "user_id": person.alipay_user_id}
    return {name: value for name, value in ids.items() if switches["alipay_id"] in (name, "both")}


def _error(sub_code: str) -> Fields:
    code, sub_msg = ALIPAY_CODES[sub_code]
    return {"code": code, "msg": ALIPAY_MESSAGES[code], "sub_code": sub_code, "sub_msg": sub_msg}


def _signed(node: str, fields: Fields, switches: Faults) -> HttpResponse:
    spaces = switches["alipay_layout"] == "spaces"
    # Slashes are escaped, as by the real gateway. A client that verifies its own re-encoding of the JSON then fails.
    text = json.dumps(
        fields, ensure_ascii=False, indent=2 if spaces else None, separators=(",", " : " if spaces else ":")
    )
    raw = text.replace("/", "\\/")
    signed = {"wrong": f"{raw} ".encode(), "other_node": _OTHER_NODE}.get(str(switches["alipay_sign"]), raw.encode())
    sign = f'"sign":"{rsa2.sign(signed, alipay_keys.PRIVATE_KEY)}"'
    members = [f"{json.dumps(node)}{' : ' if spaces else ':'}{raw}"] + (
        [] if switches["alipay_sign"] == "missing" else [sign]
    )
    if switches["alipay_layout"] == "sign_first":
        members.reverse()
    body = "{" + (" ,\n " if spaces else ",").join(members) + "}"
    return HttpResponse(body.encode(), content_type=f"text/html;charset={switches['alipay_charset']}")


_METHODS: Mapping[str, tuple[str, Callable[[conf.App, Params, Faults], Fields]]] = {
    "alipay.system.oauth.token": ("alipay_token_error", _token),
    "alipay.user.info.share": ("alipay_profile_error", _profile),
}


# ---------------------------------------------------------------- in place of the SDKs


@sandbox_view("GET", "POST")
def sdk(request: HttpRequest) -> HttpResponse:
    """The result of a sign-in inside an app or a mini program.

    ``person``: who signs in. An app sends its signed ``info``. A mini program signs nothing and sends its ``app_id``.
    """
    if rsa2 is None:
        return JsonResponse({"error": "pip install 'phonebind-sandbox[alipay]'"}, status=501)
    params = request.GET.dict() | request.POST.dict()
    info = dict(parse_qsl(params.get("info", "")))
    apps = conf.apps(KIND)
    app = apps.get(info.get("app_id") or params.get("app_id") or next(iter(apps)))
    person = PEOPLE.get(params.get("person", ""))
    if app is None or person is None:
        return HttpResponse("Unknown app or person.", content_type="text/plain", status=400)
    if info and not (info.get("sign") and _is_signed(app, info)):
        return HttpResponse("The info is not signed by this app.", content_type="text/plain", status=400)
    return JsonResponse({"auth_code": grants.issue_code(app=app, person=person, scope="auth_user")})


@sandbox_view("GET")
def keys(request: HttpRequest) -> HttpResponse:
    """The keys for the configuration of a client of the sandbox."""
    return JsonResponse({"app_private_key": alipay_keys.APP_PRIVATE_KEY, "alipay_public_key": alipay_keys.PUBLIC_KEY})


urlpatterns = [
    path("oauth2/publicAppAuthorize.htm", authorize, name="alipay_authorize"),
    path("gateway.do", gateway, name="alipay_gateway"),
    path("sdk", sdk, name="alipay_sdk"),
    path("keys.json", keys, name="alipay_keys"),
]
