"""WeChat for websites and official accounts: the page with the QR code, the page inside WeChat, and the exchange of a
code.

Source: the provider's documentation, and what public clients expect. If these differ or leave a detail open,
``faults.py`` has a switch for it.
"""

import re
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.views.decorators.clickjacking import xframe_options_exempt

from . import callbacks, conf, faults, grants, wechat_apps
from .codes import Refused
from .faults import Faults
from .gate import CONTENT_SECURITY_POLICY, sandbox_view
from .people import PEOPLE, digits
from .wechat_answers import Fields, Params, authenticated, call, openid, required, unionid
from .wechat_apps import APP, OFFICIAL, redeemed
from .wechat_codes import PAGE_CODES

WEB = "wechat_web"
#: The lifetime of a code in seconds, for kinds that differ from apps.
CODE_SECONDS = {WEB: 600}
TOKEN_SECONDS = 7_200
SILENT, ASKING = "snsapi_base", "snsapi_userinfo"
#: For a longer state, or another character in it, the phone shows an error page.
STATE = re.compile(r"[A-Za-z0-9_-]{1,128}")


class PageRefused(Exception):
    """An error that the page shows. No callback is sent."""

    def __init__(self, message: str, *, user_agent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        #: Whether another browser would help.
        self.user_agent = user_agent


# ---------------------------------------------------------------- pages


@xframe_options_exempt
@sandbox_view("GET", "POST")
def qrconnect(request: HttpRequest) -> HttpResponseBase:
    """The page with the QR code. It has one button for each person who could scan the code."""
    params = request.GET.dict()
    try:
        app = _website(params)
    except PageRefused as refused:
        return _show_refused(request, refused)
    framed = params.get("login_type") == "jssdk"
    response = _sign_in(request, app, params, top=framed and params.get("self_redirect") != "true")
    url = urlsplit(params["redirect_uri"])
    ancestors = f"frame-ancestors {url.scheme}://{url.netloc}" if framed else "frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", ancestors)
    return response


@sandbox_view("GET", "POST")
def authorize(request: HttpRequest) -> HttpResponseBase:
    """The page inside WeChat. With snsapi_base it shows the same buttons; the real page redirects at once."""
    params = request.GET.dict()
    try:
        _check_browser(request.headers.get("User-Agent", ""))
        app = _official_account(params)
    except PageRefused as refused:
        return _show_refused(request, refused)
    return _sign_in(request, app, params)


def _check_browser(user_agent: str) -> None:
    if "MicroMessenger" not in user_agent and not faults.read()["wechat_any_browser"]:
        raise PageRefused("请在微信客户端打开链接", user_agent=True)


def _website(params: Mapping[str, str]) -> conf.App:
    app = conf.apps(WEB).get(params.get("appid", ""))
    if app is None:
        raise PageRefused("appid 参数错误")
    if not app.accepts(params.get("redirect_uri", "")):
        raise PageRefused("redirect_uri 参数错误")
    if params.get("response_type") != "code" or params.get("scope") != "snsapi_login":
        raise PageRefused("scope 参数错误或没有 scope 权限")
    return app


def _official_account(params: Mapping[str, str]) -> conf.App:
    for name, code in (("appid", 10012), ("redirect_uri", 10011), ("scope", 10010), ("state", 10013)):
        if not params.get(name):
            raise _numbered(code)
    app = conf.apps().get(params["appid"])
    if app is None or app.kind not in (OFFICIAL, WEB):
        raise PageRefused("appid 参数错误")
    if app.kind == WEB:
        raise _numbered(10016)
    if not app.accepts(params["redirect_uri"]):
        raise _numbered(10003)
    if params.get("response_type") != "code" or params["scope"] not in (SILENT, ASKING):
        raise _numbered(10005)
    if not STATE.fullmatch(params["state"]):
        raise PageRefused("state 参数过长" if len(params["state"]) > 128 else "state 参数错误")
    return app


def _numbered(code: int) -> PageRefused:
    return PageRefused(f"{PAGE_CODES[code]} ({code})")


def _show_refused(request: HttpRequest, refused: PageRefused) -> HttpResponse:
    return render(request, "phonebind_sandbox/wechat_refused.html", {"refused": refused}, status=400)


def _sign_in(request: HttpRequest, app: conf.App, params: Mapping[str, str], *, top: bool = False) -> HttpResponseBase:
    """``top``: the page is in a frame, and the callback must open in the whole window."""
    if request.method == "GET":
        context = {"provider": "微信", "app": app, "people": PEOPLE.values(), "scope": params["scope"], "top": top}
        # Without this, the fragment of the page's URL would be added to the redirect. The real page redirects by
        # script.
        context["action"] = request.get_full_path()
        return render(request, "phonebind_sandbox/wechat_authorize.html", context)
    switches = faults.read()
    if "silence" in request.POST or switches["wechat_callback"] == "silence":
        return render(request, "phonebind_sandbox/wechat_silence.html")
    if "cancel" in request.POST or switches["wechat_callback"] == "cancel":
        return _call_back(params)
    person = PEOPLE.get(request.POST.get("person", ""))
    if person is None:
        return HttpResponse("Unknown person.", content_type="text/plain", status=400)
    asking = app.kind == OFFICIAL and params["scope"] == ASKING
    snapshot = str(switches["wechat_snapshot"]) if asking else "off"
    return _call_back(params, grants.issue_code(app=app, person=person, scope=params["scope"], snapshot=snapshot))


def _call_back(params: Mapping[str, str], code: str = "") -> HttpResponse:
    """Redirect to the callback. After a cancel there is only the state."""
    fields = {"code": code, "state": params.get("state", "")}
    return callbacks.call_back(params["redirect_uri"], {name: value for name, value in fields.items() if value})


@sandbox_view("GET")
def script(request: HttpRequest) -> HttpResponse:
    """Stands in for res.wx.qq.com's wxLogin.js."""
    return render(request, "phonebind_sandbox/wxLogin.js", content_type="text/javascript; charset=utf-8")


# ---------------------------------------------------------------- calls


@call("wechat_token_error", "GET", "POST")
def access_token(params: Params, switches: Faults) -> Fields:
    """``{access_token, expires_in, refresh_token, openid, scope, unionid?, is_snapshotuser?}``"""
    app = authenticated(params, WEB, OFFICIAL, APP)
    code = required(params, "code", 41008)
    if params.get("grant_type") != "authorization_code":
        raise Refused(40002)
    grant = redeemed(code, app, CODE_SECONDS.get(app.kind, wechat_apps.CODE_SECONDS))
    tokens = grants.issue_tokens(grant)
    return {
        "access_token": tokens.access,
        "expires_in": TOKEN_SECONDS,
        "refresh_token": tokens.refresh,
        **_names(grant, app, switches),
        "scope": grant.scope,
    }


@call("wechat_userinfo_error", "GET")
def userinfo(params: Params, switches: Faults) -> Fields:
    """``{openid, nickname, sex, province, city, country, headimgurl, privilege, unionid?}``"""
    grant = _granted(required(params, "access_token", 41001))
    app = conf.apps()[grant.client_id]
    if grant.scope == SILENT or _snapshot(grant) != "off":
        raise Refused(48001)
    if required(params, "openid", 40003) != openid(grant.person, app):
        raise Refused(40003)
    return {
        "openid": openid(grant.person, app),
        "nickname": grant.person.nickname,
        # Always empty since 2021.
        "sex": 0,
        "language": "",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": grant.person.avatar(132),
        "privilege": [],
        **unionid(grant.person, app, switches),
    }


def _granted(token: str) -> grants.Grant:
    try:
        grant = grants.read(token)
    except grants.NotGranted:
        raise Refused(42001) from None
    if grant is None:
        raise Refused(40001)
    if time.time() - grant.issued_at >= TOKEN_SECONDS:
        raise Refused(42001)
    return grant


def _names(grant: grants.Grant, app: conf.App, switches: Faults) -> Fields:
    snapshot = _snapshot(grant)
    if snapshot != "off":
        # Each virtual user has its own openid. All share one unionid.
        nobody = {"openid": f"o{digits('wechat_snapshot', str(grant.issued_at))[:27]}"}
        flags: Mapping[str, Fields] = {"flag": {"is_snapshotuser": 1}, "text": {"is_snapshotuser": "1"}}
        return {**nobody, "unionid": f"o{digits('wechat_snapshot')[:27]}", **flags.get(snapshot, {})}
    known = {} if grant.scope == SILENT else unionid(grant.person, app, switches)
    return {"openid": openid(grant.person, app), **known}


def _snapshot(grant: grants.Grant) -> str:
    return str(grant.extra.get("snapshot", "off"))


urlpatterns = [
    path("connect/qrconnect", qrconnect, name="wechat_qrconnect"),
    path("connect/oauth2/authorize", authorize, name="wechat_authorize"),
    path("connect/zh_CN/htmledition/js/wxLogin.js", script, name="wechat_script"),
    path("sns/oauth2/access_token", access_token, name="wechat_access_token"),
    path("sns/userinfo", userinfo, name="wechat_userinfo"),
    path("sns/jscode2session", wechat_apps.jscode2session, name="wechat_jscode2session"),
    path("cgi-bin/stable_token", wechat_apps.stable_token, name="wechat_stable_token"),
    path("wxa/business/getuserphonenumber", wechat_apps.phone_number, name="wechat_phone_number"),
    path("sdk/code", wechat_apps.sdk_code, name="wechat_sdk_code"),
    path("sdk/phone_code", wechat_apps.sdk_phone_code, name="wechat_sdk_phone_code"),
]
