"""Shared by the emulated providers of id_tokens: checks of the request, and errors as in RFC 6749."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeAlias

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from . import callbacks, conf, faults, grants, network, signing
from .codes import OPENID_ERRORS
from .faults import Faults
from .gate import sandbox_view
from .people import PEOPLE, Person

Params: TypeAlias = Mapping[str, str]
View: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
Endpoint: TypeAlias = Callable[[HttpRequest, Faults], HttpResponse]


class Error(Exception):
    """An error. ``name`` is in OPENID_ERRORS, or is an error of a callback."""

    def __init__(self, name: str, description: str = "", status: int = 400) -> None:
        super().__init__(name)
        self.name = name
        self.description = description or OPENID_ERRORS.get(name, name)
        self.status = status


def page(view: View) -> View:
    """Decorator for a view for browsers. An Error becomes a page, because the callback to send it to is not known."""

    @sandbox_view("GET", "POST")
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponseBase:
        if not signing.is_installed:
            return HttpResponse(signing.INSTALL, content_type="text/plain", status=501)
        try:
            return view(request)
        except Error as error:
            context = {"code": error.name, "description": error.description, "app": None}
            return render(request, "phonebind_sandbox/refused.html", context, status=error.status)

    return guarded


def endpoint(network_switch: str, *methods: str) -> Callable[[Endpoint], View]:
    """Decorator for a view for machines. Responses and errors are JSON, and network faults apply."""

    def decorate(view: Endpoint) -> View:
        @sandbox_view(*methods)
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponseBase:
            switches = faults.read()

            def answer() -> HttpResponse:
                if not signing.is_installed:
                    return JsonResponse({"error": signing.INSTALL}, status=501)
                try:
                    return view(request, switches)
                except Error as error:
                    fields = {"error": error.name, "error_description": error.description}
                    return JsonResponse(fields, status=error.status)

            return network.pass_through(request, switches, network_switch, answer)

        return guarded

    return decorate


def app_that_asks(kind: str, params: Params) -> conf.App:
    """The app of the request, after a check that its redirect_uri is allowed. Raises Error."""
    app = conf.apps(kind).get(params.get("client_id", ""))
    if app is None:
        raise Error("invalid_client", "There is no such client_id.")
    if not app.accepts(params.get("redirect_uri", "")):
        raise Error("invalid_request", "The redirect_uri is not registered.")
    return app


def person_named(params: Params) -> Person:
    person = PEOPLE.get(params.get("person", ""))
    if person is None:
        raise Error("invalid_request", "There is no such person.")
    return person


def redeem(app: conf.App, params: Params, seconds: int, other_address: str = "invalid_grant") -> grants.Grant:
    """Redeem a code, once. Raises Error; its name is ``other_address`` if the code was issued for another
    redirect_uri.
    """
    code, redirect_uri = params.get("code", ""), params.get("redirect_uri", "")
    try:
        return grants.take_code(code, app=app, redirect_uri=redirect_uri, seconds=seconds)
    except grants.NotGranted as refused:
        name = other_address if refused.reason == "redirect_uri" else "invalid_grant"
        raise Error(name, f"The code is not good: {refused.reason}.") from None


def tokens(grant: grants.Grant, id_token: str, switches: Faults, switch: str) -> HttpResponse:
    issued = grants.issue_tokens(grant)
    fields: dict[str, Any] = {"access_token": issued.access, "token_type": "Bearer", "expires_in": 3600}
    if switches[switch] != "no_token":
        fields["id_token"] = id_token
    return JsonResponse(fields)


def call_back(params: Params, fields: Params) -> HttpResponse:
    state = {"state": params["state"]} if "state" in params else {}
    return callbacks.call_back(params["redirect_uri"], {**fields, **state})
