"""Sign in with Apple: its page, its token endpoint, its keys, and the result of its SDK in an app.

Source: developer.apple.com, "Sign in with Apple REST API", TN3107.
"""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path

from . import conf, faults, grants, openid, signing, state
from .faults import Faults
from .openid import Error, Params
from .people import PEOPLE, Person, digits

KIND = "apple"
ISSUER = "https://appleid.apple.com"
CODE_SECONDS = 300
CANCELLED: Params = {"error": "user_cancelled_authorize"}


def sub(person: Person, app: conf.App) -> str:
    """The person's subject id. It is the same for all apps of a team."""
    middle = digits("apple", person.id, app.developer)
    return f"{int(middle[:5], 16) % 1_000_000:06}.{middle.lower()}.{int(middle[-4:], 16) % 10_000:04}"


@openid.page
def authorize(request: HttpRequest) -> HttpResponseBase:
    params = request.GET.dict()
    app = openid.app_that_asks(KIND, params)
    types, mode = params.get("response_type", "").split(), params.get("response_mode", "query")
    if "code" not in types or not set(types) <= {"code", "id_token"}:
        raise Error("unsupported_response_type")
    if mode not in ("query", "form_post"):
        raise Error("invalid_request", "Invalid response_mode.")
    if mode == "query" and (params.get("scope") or "id_token" in types):
        raise Error("invalid_request", "response_mode must be form_post when name or email scope is requested.")
    if request.method == "GET":
        scope = params.get("scope") or "—"
        context = {"provider": "Apple", "app": app, "people": PEOPLE.values(), "scope": scope}
        return render(request, "phonebind_sandbox/openid.html", context)
    switches = faults.read()
    if "deny" in request.POST:
        fields = CANCELLED
    elif switches["apple_callback"] != "none":
        fields = {"error": str(switches["apple_callback"])}
    else:
        fields = _granted(app, openid.person_named(request.POST.dict()), params, switches)
    return _post(request, params, fields) if mode == "form_post" else openid.call_back(params, fields)


def _granted(app: conf.App, person: Person, params: Params, switches: Faults) -> Params:
    nonce, scope = params.get("nonce"), params.get("scope", "")
    code = grants.issue_code(app=app, person=person, redirect_uri=params["redirect_uri"], scope=scope, nonce=nonce)
    fields = {"code": code}
    if "id_token" in params["response_type"].split():
        fields["id_token"] = _id_token(person, app, app.client_id, nonce, switches)
    # Sent only once for each person and app, whatever later requests ask for.
    if scope and state.put_once("apple_user", f"{app.client_id} {person.id}", state.FOREVER):
        name = {"firstName": person.nickname[1:], "lastName": person.nickname[:1]}
        user = {"name": name, "email": f"{person.id}@privaterelay.appleid.com"}
        fields["user"] = json.dumps({key: value for key, value in user.items() if key in scope.split()})
    return fields


def _post(request: HttpRequest, params: Params, fields: Params) -> HttpResponse:
    """The form that Apple's page posts to the callback by script. Here the person presses the button."""
    context = {"url": params["redirect_uri"], "fields": {**fields, "state": params.get("state", "")}}
    return render(request, "phonebind_sandbox/form_post.html", context)


@openid.endpoint("apple_network", "POST")
def token(request: HttpRequest, switches: Faults) -> HttpResponse:
    params = request.POST.dict()
    if switches["apple_error"] != "none":
        raise Error(str(switches["apple_error"]))
    app = conf.apps(KIND).get(params.get("client_id", ""))
    if app is None or not _is_authenticated(app, params.get("client_secret", "")):
        raise Error("invalid_client")
    if params.get("grant_type") != "authorization_code":
        raise Error("unsupported_grant_type")
    grant = openid.redeem(app, params, CODE_SECONDS, "invalid_client")
    id_token = _id_token(grant.person, app, app.client_id, grant.extra["nonce"], switches)
    return openid.tokens(grant, id_token, switches, "apple_id_token")


@openid.endpoint("apple_keys_network", "GET")
def keys(request: HttpRequest, switches: Faults) -> HttpResponse:
    published = signing.jwks(str(switches["apple_keys"]))["keys"]
    return JsonResponse({"keys": [{**key, "alg": "RS256"} for key in published if key["kty"] == "RSA"]})


@openid.endpoint("apple_network", "GET")
def sdk_id_token(request: HttpRequest, switches: Faults) -> HttpResponse:
    """``?person=xiaolan&nonce=…&client_id=<bundle id>`` -> ``{"id_token"}``.

    The nonce is copied unchanged, as by the real SDK. An app passes the SHA-256 of its own nonce.
    """
    params = request.GET.dict()
    for app in conf.apps(KIND).values():
        bundle_ids = app.options.get("bundle_ids", [])
        if (bundle := params.get("client_id") or next(iter(bundle_ids), "")) in bundle_ids:
            person = openid.person_named(params)
            return JsonResponse({"id_token": _id_token(person, app, bundle, params.get("nonce"), switches)})
    raise Error("invalid_client", "There is no such bundle id.")


def _id_token(person: Person, app: conf.App, audience: str, nonce: str | None, switches: Faults) -> str:
    claims = {"iss": ISSUER, "aud": audience, "sub": sub(person, app), "nonce": nonce, "nonce_supported": True}
    return signing.id_token(claims, fault=str(switches["apple_id_token"]), keys=str(switches["apple_keys"]))


def _is_authenticated(app: conf.App, secret: str) -> bool:
    return signing.is_client_secret(
        secret,
        team=app.developer,
        key_id=app.options.get("key_id", ""),
        client_id=app.client_id,
        audience=ISSUER,
        private_key=app.secret,
    )


urlpatterns = [
    path("apple/auth/authorize", authorize, name="apple_authorize"),
    path("apple/auth/token", token, name="apple_token"),
    path("apple/auth/keys", keys, name="apple_keys"),
    path("apple/sdk/id_token", sdk_id_token, name="apple_sdk_id_token"),
]
