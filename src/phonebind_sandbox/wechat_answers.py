"""Shared by WeChat's calls: JSON labelled as text, an ``rid`` in each error, and authentication."""

import json
import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from hmac import compare_digest
from typing import Any, TypeAlias

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from . import conf, faults, network
from .bodies import Unreadable, read_object
from .codes import Refused
from .faults import Faults
from .gate import sandbox_view
from .people import Person, digits
from .wechat_codes import WECHAT_CODES

Params: TypeAlias = Mapping[str, Any]
Fields: TypeAlias = Mapping[str, Any]
Call: TypeAlias = Callable[[Params, Faults], Fields]

#: The content type by ``wechat_body``. The default names no charset, and "encoding" is not a valid parameter.
TYPES = {"encoding": "text/plain; encoding=utf-8", "json": "application/json; charset=utf-8"}


def call(switch: str, *methods: str) -> Callable[[Call], Callable[[HttpRequest], HttpResponseBase]]:
    """Decorator for an endpoint for machines. It always answers with status 200. ``switch``: the switch for its
    errors.
    """

    def decorate(ask: Call) -> Callable[[HttpRequest], HttpResponseBase]:
        @sandbox_view(*methods)
        @wraps(ask)
        def view(request: HttpRequest) -> HttpResponseBase:
            switches = faults.read()

            def answer() -> HttpResponse:
                if switches[switch] != "none":
                    return _write(_error(int(switches[switch])), switches)
                try:
                    fields = ask(_params(request), switches)
                except Refused as refused:
                    fields = _error(refused.code)
                return _write(fields, switches)

            return network.pass_through(request, switches, "wechat_network", answer)

        return view

    return decorate


def authenticated(params: Params, *kinds: str) -> conf.App:
    """The app of the request, checked by its secret. Raises Refused."""
    client_id, secret = required(params, "appid", 41002), required(params, "secret", 41004)
    app = conf.apps().get(client_id)
    if app is None or app.kind not in kinds:
        raise Refused(40013)
    if not compare_digest(secret.encode(), app.secret.encode()):
        raise Refused(40125)
    return app


def required(params: Params, name: str, code: int) -> str:
    value = params.get(name)
    if not value:
        raise Refused(code)
    return str(value)


def openid(person: Person, app: conf.App) -> str:
    """The person's id for one app: ``o`` and 27 more characters."""
    return "o" + digits("wechat", person.id, app.client_id)[:27]


def unionid(person: Person, app: conf.App, switches: Faults) -> Mapping[str, str]:
    """The person's id for all apps of one Open Platform account, if the app belongs to one."""
    if not app.unionid or not switches["wechat_unionid"]:
        return {}
    return {"unionid": "o" + digits("wechat_unionid", person.id, app.developer)[:27]}


def _params(request: HttpRequest) -> Params:
    """The parameters of the query and of the body. The body is JSON, or the form that python-social-auth sends."""
    if request.content_type == "application/x-www-form-urlencoded":
        return request.GET.dict() | request.POST.dict()
    try:
        return request.GET.dict() | (read_object(request) if request.method == "POST" else {})
    except Unreadable:
        raise Refused(47001) from None


def _error(code: int) -> Fields:
    return {"errcode": code, "errmsg": f"{WECHAT_CODES[code]}, rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}"}


def _write(fields: Fields, switches: Faults) -> HttpResponse:
    form = str(switches["wechat_body"])
    if form == "errcode":
        fields = {"errcode": 0, "errmsg": "ok", **fields}
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    if form == "control":
        body = body.replace('"nickname":"', '"nickname":"\v')
    return HttpResponse(body, content_type=TYPES.get(form, "text/plain"))
