"""QQ Connect: its four endpoints, the order of its checks (by error number), and its responses.

Source: the provider's documentation, and what public clients expect. If these differ or leave a detail open,
``faults.py`` has a switch for it.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from hmac import compare_digest
from typing import TypeAlias

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from . import answers, callbacks, conf, faults, grants, network
from .codes import CODES, Refused
from .faults import Faults
from .gate import CONTENT_SECURITY_POLICY, sandbox_view
from .people import PEOPLE, Person

Params: TypeAlias = Mapping[str, str]
Endpoint: TypeAlias = Callable[[Params, Faults], HttpResponse]
Refusal: TypeAlias = Callable[[int, Params, Faults], HttpResponse]

KIND = "qq"
#: Apps with QQ's SDK. They query tokens, and never send a browser.
MOBILE_KIND = "qq_app"
USER_REFUSED = 100030
#: Sent to the callback together with the state after a cancel on a phone. There is no code and no error.
USER_CANCELLED: Params = {"usercancel": "1"}
OTHER_CLIENT_ID = "101999999"


@sandbox_view("GET", "POST")
def authorize(request: HttpRequest) -> HttpResponseBase:
    """The page on which a person signs in: a form with one button for each person. It needs no script.

    Errors go to the callback. Before the callback is known to be valid, they are shown on a page of the sandbox.
    """
    params = request.GET.dict()
    try:
        app = _app_that_asks(params)
    except Refused as refused:
        return _show_refused(request, params, refused.code)
    if params.get("response_type") != "code":
        return _call_back(params, _error_fields(100000))
    if not params.get("state"):
        return _call_back(params, _error_fields(100029))
    if request.method == "GET":
        context = {"provider": "QQ", "app": app, "people": PEOPLE.values(), "scope": _scope(params)}
        return render(request, "phonebind_sandbox/authorize.html", context)
    return _decide(request, app, params)


def _show_refused(request: HttpRequest, params: Params, code: int) -> HttpResponse:
    """A page that says what is wrong with client_id or redirect_uri, and how to fix it."""
    context = {
        "code": code,
        "description": CODES[code],
        # Shown only if the redirect_uri is the reason.
        "app": conf.apps(KIND).get(params.get("client_id", "")) if code == 100010 else None,
        "redirect_uri": params.get("redirect_uri", ""),
    }
    return render(request, "phonebind_sandbox/refused.html", context, status=400)


def _decide(request: HttpRequest, app: conf.App, params: Params) -> HttpResponseBase:
    switches = faults.read()
    if "usercancel" in request.POST or switches["callback"] == "usercancel":
        return _call_back(params, USER_CANCELLED)
    if "cancel" in request.POST or switches["callback"] == "cancel":
        return render(request, "phonebind_sandbox/cancelled.html")
    if "deny" in request.POST:
        return _call_back(params, _error_fields(USER_REFUSED))
    person = PEOPLE.get(request.POST.get("person", ""))
    if person is None:
        return HttpResponse("Unknown person.", content_type="text/plain", status=400)
    if switches["authorize_error"] != "none":
        return _call_back(params, _error_fields(int(switches["authorize_error"])))
    url = _callback_url(params, {"code": _issue_code(app, person, params)})
    return _twice(request, url) if switches["callback"] == "twice" else callbacks.found(url)


def _endpoint(name: str, refusal: Refusal) -> Callable[[Endpoint], Callable[[HttpRequest], HttpResponseBase]]:
    """Decorator for an endpoint for machines: its switched error, its refusals, and network faults."""

    def decorate(endpoint: Endpoint) -> Callable[[HttpRequest], HttpResponseBase]:
        @sandbox_view("GET", "POST")
        @wraps(endpoint)
        def view(request: HttpRequest) -> HttpResponseBase:
            params = request.GET.dict() | request.POST.dict()
            switches = faults.read()

            def answer() -> HttpResponse:
                if switches[f"{name}_error"] != "none":
                    return refusal(int(switches[f"{name}_error"]), params, switches)
                try:
                    return endpoint(params, switches)
                except Refused as refused:
                    return refusal(refused.code, params, switches)
                except grants.NotGranted:  # the access token has expired
                    return refusal(100014, params, switches)

            return network.pass_through(request, switches, f"{name}_network", answer)

        return view

    return decorate


@_endpoint("token", answers.error)
def token(params: Params, switches: Faults) -> HttpResponse:
    """``{access_token, expires_in, refresh_token}``; also ``openid`` with need_openid=1."""
    client_id = _required(params, "client_id", 100001)
    secret = _required(params, "client_secret", 100002)
    grant_type = params.get("grant_type")
    if grant_type == "authorization_code":
        code = _required(params, "code", 100005)
        app = _authenticated(client_id, secret)
        tokens = _redeem(code, app, params.get("redirect_uri", ""))
    elif grant_type == "refresh_token":
        refresh_token = _required(params, "refresh_token", 100006)
        app = _authenticated(client_id, secret)
        tokens = _renew(refresh_token, app)
    else:
        raise Refused(100004)
    as_string = switches["expires_in"] == "string"
    fields: dict[str, str | int] = {
        "access_token": tokens.access,
        "expires_in": str(grants.TOKEN_SECONDS) if as_string else grants.TOKEN_SECONDS,
        "refresh_token": tokens.refresh,
    }
    if params.get("need_openid") == "1" and switches["openid_in_token"]:
        fields["openid"] = tokens.grant.person.openid(app)
    return answers.token(fields, params, switches)


@_endpoint("me", answers.error)
def me(params: Params, switches: Faults) -> HttpResponse:
    """``{client_id, openid}``; also ``unionid`` with unionid=1, if the app has the permission."""
    grant = grants.read(_required(params, "access_token", 100007))
    if grant is None:
        raise Refused(100016)
    app = _app(grant.client_id, MOBILE_KIND)
    fields = {
        "client_id": OTHER_CLIENT_ID if switches["wrong_client_id"] else app.client_id,
        "openid": grant.person.openid(app),
    }
    if params.get("unionid") == "1":
        if not app.unionid:
            raise Refused(100048)
        if switches["unionid_in_me"]:
            fields["unionid"] = grant.person.unionid(app)
    return answers.me(fields, params, switches)


@_endpoint("profile", answers.profile_error)
def get_user_info(params: Params, _: Faults) -> HttpResponse:
    """``{ret, msg, nickname, gender, province, city, year, …, figureurl*}``. ``ret`` is 0 or an error code."""
    client_id = _required(params, "oauth_consumer_key", 100001)
    access_token = _required(params, "access_token", 100007)
    openid = _required(params, "openid", -1)
    app = _app(client_id, MOBILE_KIND)
    grant = grants.read(access_token)
    if grant is None or grant.client_id != client_id:
        raise Refused(100013)
    if "get_user_info" not in grant.scope.split(","):
        raise Refused(100030)
    if openid != grant.person.openid(app):
        raise Refused(-1)
    return answers.profile(_profile(grant.person))


def _profile(person: Person) -> dict[str, str | int]:
    fields: dict[str, str | int] = {
        "is_lost": 0,
        "nickname": person.nickname,
        "gender": person.gender,
        "province": person.province,
        "city": person.city,
        "year": person.year,
        # Documented, but empty in every published response.
        "constellation": "",
        "figureurl": person.avatar(30),
        "figureurl_1": person.avatar(50),
        "figureurl_2": person.avatar(100),
        "figureurl_qq_1": person.avatar(40),
    }
    if person.large_avatar:
        fields["figureurl_qq_2"] = person.avatar(100)
    return fields


def _redeem(code: str, app: conf.App, redirect_uri: str) -> grants.Tokens:
    try:
        return grants.issue_tokens(grants.take_code(code, app=app, redirect_uri=redirect_uri))
    except grants.NotGranted as error:
        raise Refused({"redirect_uri": 100010, "used": 100020}.get(error.reason, 100019)) from None


def _renew(refresh_token: str, app: conf.App) -> grants.Tokens:
    try:
        return grants.renew(refresh_token, app=app)
    except grants.NotGranted:
        raise Refused(100022) from None


def _required(params: Params, name: str, code: int) -> str:
    value = params.get(name)
    if not value:
        raise Refused(code)
    return value


def _app(client_id: str, *more: str) -> conf.App:
    """The website app with this id, or an app of one of the ``more`` kinds."""
    app = next((found for kind in (KIND, *more) if (found := conf.apps(kind).get(client_id))), None)
    if app is None:
        raise Refused(100008)
    return app


def _authenticated(client_id: str, secret: str) -> conf.App:
    app = _app(client_id)
    if not compare_digest(secret.encode(), app.secret.encode()):
        raise Refused(100009)
    return app


def _app_that_asks(params: Params) -> conf.App:
    """The app of a sign-in request, after a check that its redirect_uri is allowed."""
    app = _app(_required(params, "client_id", 100001))
    if not app.accepts(params.get("redirect_uri", "")):
        raise Refused(100010)
    return app


def _scope(params: Params) -> str:
    return params.get("scope") or "get_user_info"


def _issue_code(app: conf.App, person: Person, params: Params) -> str:
    return grants.issue_code(app=app, person=person, redirect_uri=params["redirect_uri"], scope=_scope(params))


def _error_fields(code: int) -> dict[str, str]:
    return {"error": str(code), "error_description": CODES[code]}


def _callback_url(params: Params, fields: Params) -> str:
    return callbacks.address(params["redirect_uri"], {**fields, "state": params.get("state", "")})


def _call_back(params: Params, fields: Params) -> HttpResponse:
    return callbacks.found(_callback_url(params, fields))


def _twice(request: HttpRequest, url: str) -> HttpResponse:
    """A page that opens the callback in a frame, and then again in the window."""
    response = render(request, "phonebind_sandbox/twice.html", {"url": url})
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src http: https:"
    return response
