"""Weibo: the sign-in page, the token calls and the profile. An error has a 4xx status and a body with the code.

Source: the provider's wiki ("Oauth2/authorize", "Oauth2/access token", "Oauth2/get token info", "2/users/show", "Error
code"), and what public clients expect. If these leave a detail open, ``faults.py`` has a switch for it.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import wraps
from hmac import compare_digest
from typing import Any, NoReturn, TypeAlias

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path

from . import callbacks, conf, faults, grants, network
from .codes import WEIBO_CODES, Refused
from .faults import Faults
from .gate import sandbox_view
from .people import PEOPLE, Person

Params: TypeAlias = Mapping[str, str]
Fields: TypeAlias = dict[str, Any]
Endpoint: TypeAlias = Callable[[Params, Faults], Fields]

KIND = "weibo"
DENIED = 21330
OTHER_APPKEY = "199999999"
#: More than the 64 KiB that our client reads at most.
LONG = 80_000
_GENDERS = {"男": "m", "女": "f"}


@sandbox_view("GET", "POST")
def authorize(request: HttpRequest) -> HttpResponseBase:
    """The page on which a person signs in, also on a phone (``display=mobile``).

    Errors go to the callback. Before the callback is known to be valid, they are shown on a page of the sandbox.
    """
    params = request.GET.dict()
    app = conf.apps(KIND).get(params.get("client_id", ""))
    if app is None:
        return _show_refused(request, params, 21324, None)
    if not app.accepts(params.get("redirect_uri", "")):
        return _show_refused(request, params, 21322, app)
    if params.get("response_type", "code") != "code":
        return _call_back(params, _callback_error(21329))
    if request.method == "GET":
        context = {"provider": "微博", "app": app, "people": PEOPLE.values(), "scope": params.get("scope") or "—"}
        return render(request, "phonebind_sandbox/weibo_authorize.html", context)
    return _decide(request, app, params)


def _show_refused(request: HttpRequest, params: Params, code: int, app: conf.App | None) -> HttpResponse:
    redirect_uri = params.get("redirect_uri", "")
    context = {"code": code, "description": WEIBO_CODES[code], "app": app, "redirect_uri": redirect_uri}
    return render(request, "phonebind_sandbox/refused.html", context, status=400)


def _decide(request: HttpRequest, app: conf.App, params: Params) -> HttpResponseBase:
    switched = faults.read()["weibo_authorize_error"]
    if switched != "none":
        return _call_back(params, _callback_error(int(switched)))
    if "deny" in request.POST:
        return _call_back(params, _callback_error(DENIED))
    person = PEOPLE.get(request.POST.get("person", ""))
    if person is None:
        return HttpResponse("Unknown person.", content_type="text/plain", status=400)
    scope = params.get("scope", "")
    code = grants.issue_code(app=app, person=person, redirect_uri=params["redirect_uri"], scope=scope)
    return _call_back(params, {"code": code})


def _callback_error(code: int) -> dict[str, str]:
    """The fields of an error callback. A cancel is also one."""
    description = "user denied your request." if code == DENIED else WEIBO_CODES[code]
    about = {"error": WEIBO_CODES[code], "error_description": description, "error_code": str(code)}
    return {"error_uri": "/oauth2/authorize", **about}


def _call_back(params: Params, fields: Params) -> HttpResponse:
    state = params.get("state")
    return callbacks.call_back(params["redirect_uri"], {**fields, **({"state": state} if state else {})})


def _endpoint(name: str, method: str) -> Callable[[Endpoint], Callable[[HttpRequest], HttpResponseBase]]:
    """Decorator for an endpoint for machines: its switched error, its refusals, and network faults."""

    def decorate(endpoint: Endpoint) -> Callable[[HttpRequest], HttpResponseBase]:
        @sandbox_view("GET", "POST")
        @wraps(endpoint)
        def view(request: HttpRequest) -> HttpResponseBase:
            params = request.GET.dict() | request.POST.dict()
            switches = faults.read()

            def answer() -> HttpResponse:
                switched = switches[f"weibo_{name}_error"]
                code = int(switched) if switched != "none" else 0 if request.method == method else 10021
                try:
                    return _json(_refuse(code) if code else endpoint(params, switches))
                except Refused as refused:
                    fields = _error_fields(refused.code, request.path_info, params)
                    return _json(fields, int(switches["weibo_error_status"]))

            return network.pass_through(request, switches, f"weibo_{name}_network", answer)

        return view

    return decorate


@_endpoint("token", "POST")
def access_token(params: Params, switches: Faults) -> Fields:
    """``{access_token, remind_in, expires_in, uid, isRealName}``. Parameters are in the form or in the query."""
    app = _authenticated(params)
    if _required(params, "grant_type") != "authorization_code":
        raise Refused(21328)
    try:
        grant = grants.take_code(_required(params, "code"), app=app, redirect_uri=params.get("redirect_uri", ""))
    except grants.NotGranted as error:
        raise Refused(21322 if error.reason == "redirect_uri" else 21325) from None
    seconds = grants.TOKEN_SECONDS
    return {
        "access_token": grants.issue_tokens(grant).access,
        "remind_in": str(seconds),
        "expires_in": _number(seconds, int, switches),
        "uid": _number(grant.person.weibo_uid, str, switches),
        "isRealName": "true",
    }


@_endpoint("token_info", "POST")
def get_token_info(params: Params, switches: Faults) -> Fields:
    """``{uid, appkey, scope, create_at, expire_in}``: the owner of the token, and the app that it was issued to."""
    grant = _granted(params)
    left = grant.issued_at + grants.TOKEN_SECONDS - time.time()
    appkey = OTHER_APPKEY if switches["weibo_wrong_appkey"] else grant.client_id
    return {
        "uid": _number(grant.person.weibo_uid, int, switches),
        "appkey": _number(appkey, str, switches),
        "scope": grant.scope,
        "create_at": _number(int(grant.issued_at), int, switches),
        "expire_in": _number(int(left), int, switches),
    }


@_endpoint("profile", "GET")
def users_show(params: Params, switches: Faults) -> Fields:
    """The profile of the token's owner only. It is long, because it contains the person's latest post."""
    grant = _granted(params)
    if _required(params, "uid") != grant.person.weibo_uid:
        raise Refused(21335)
    return _profile(grant.person, LONG if switches["weibo_profile"] == "long" else 140)


def _profile(person: Person, length: int) -> Fields:
    # Like Weibo's own avatars: https, signed, and with a comma in the URL.
    avatar = f"https://avatar.sandbox.invalid/{person.id}/{{}}.jpg?KID=imgbed,tva&Expires=1780000000&ssig=a%2Fb"
    return {
        "id": int(person.weibo_uid),
        "idstr": person.weibo_uid,
        "class": 1,
        "screen_name": person.nickname,
        "name": person.nickname,
        "location": f"{person.province} {person.city}".strip(),
        "description": "",
        "profile_image_url": avatar.format(50),
        "avatar_large": avatar.format(180),
        "avatar_hd": avatar.format(1024),
        "gender": _GENDERS[person.gender],
        "verified": False,
        "status": {"id": 5_000_000_000_000_001, "text": "微博" * (length // 2)},
    }


def _refuse(code: int) -> NoReturn:
    raise Refused(code)


def _authenticated(params: Params) -> conf.App:
    client_id, secret = _required(params, "client_id"), _required(params, "client_secret")
    app = conf.apps(KIND).get(client_id)
    if app is None or not compare_digest(secret.encode(), app.secret.encode()):
        raise Refused(21324)
    return app


def _granted(params: Params) -> grants.Grant:
    try:
        grant = grants.read(_required(params, "access_token"))
    except grants.NotGranted:
        raise Refused(21327) from None
    if grant is None or grant.client_id not in conf.apps(KIND):
        raise Refused(21332)
    return grant


def _required(params: Params, name: str) -> str:
    value = params.get(name)
    if not value:
        raise Refused(21323)
    return value


def _number(value: str | int, usual: type[str | int], switches: Faults) -> str | int:
    """The number in Weibo's usual type, or in the type that the switch sets."""
    return {"auto": usual, "number": int, "string": str}[str(switches["weibo_numbers"])](value)


def _error_fields(code: int, where: str, params: Params) -> Fields:
    # The real server repeats the received code here. So a client must not log this text.
    more = f":{params['code']}" if "code" in params else ""
    text = WEIBO_CODES[code]
    return {
        "error": text,
        "error_code": code,
        "request": where,
        "error_uri": where,
        "error_description": f"{text}{more}",
    }


def _json(fields: Fields, status: int = 200) -> HttpResponse:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(body, content_type="application/json;charset=UTF-8", status=status)


urlpatterns = [
    path("weibo/oauth2/authorize", authorize, name="weibo_authorize"),
    path("weibo/oauth2/access_token", access_token, name="weibo_access_token"),
    path("weibo/oauth2/get_token_info", get_token_info, name="weibo_get_token_info"),
    path("weibo/2/users/show.json", users_show, name="weibo_users_show"),
]
