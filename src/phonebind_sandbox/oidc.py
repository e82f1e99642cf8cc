"""An OpenID Connect provider: discovery, the sign-in page, the token endpoint, the keys, and userinfo.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, 2.3.1; RFC 7636.
"""

import base64
from hashlib import sha256
from hmac import compare_digest
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse

from . import conf, faults, grants, openid, signing
from .faults import Faults
from .openid import Error, Params
from .people import PEOPLE, Person, digits

KIND = "oidc"
_AUTH = {"both": ("basic", "post"), "basic": ("basic",), "post": ("post",)}


def sub(person: Person) -> str:
    """The person's subject id. It is the same for all clients."""
    return digits("oidc", person.id).lower()


def issuer(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("phonebind_sandbox:index")) + "oidc"


@openid.endpoint("oidc_discovery_network", "GET")
def discovery(request: HttpRequest, switches: Faults) -> HttpResponse:
    here = issuer(request)
    return JsonResponse(
        {
            "issuer": here if switches["oidc_issuer"] == "right" else "https://issuer.invalid",
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "userinfo_endpoint": f"{here}/userinfo",
            "jwks_uri": f"{here}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile"],
            "id_token_signing_alg_values_supported": [switches["oidc_alg"]],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                f"client_secret_{method}" for method in _AUTH[str(switches["oidc_auth"])]
            ],
        }
    )


@openid.page
def authorize(request: HttpRequest) -> HttpResponseBase:
    params = request.GET.dict()
    app = openid.app_that_asks(KIND, params)
    switches = faults.read()
    error = _wrong_with(params)
    if not error and request.method == "GET":
        context = {"provider": "OpenID Connect", "app": app, "people": PEOPLE.values(), "scope": params["scope"]}
        return render(request, "phonebind_sandbox/openid.html", context)
    if "deny" in request.POST:
        error = "access_denied"
    elif switches["oidc_callback"] != "none":
        error = str(switches["oidc_callback"])
    if error:
        return openid.call_back(params, {"error": error})
    code = grants.issue_code(
        app=app,
        person=openid.person_named(request.POST.dict()),
        redirect_uri=params["redirect_uri"],
        scope=params["scope"],
        nonce=params.get("nonce"),
        challenge=params.get("code_challenge", ""),
    )
    return openid.call_back(params, {"code": code})


def _wrong_with(params: Params) -> str:
    if params.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in params.get("scope", "").split():
        return "invalid_scope"
    if "code_challenge" in params and params.get("code_challenge_method") != "S256":
        return "invalid_request"
    return "login_required" if params.get("prompt") == "none" else ""


@openid.endpoint("oidc_network", "POST")
def token(request: HttpRequest, switches: Faults) -> HttpResponse:
    params = request.POST.dict()
    if switches["oidc_error"] != "none":
        raise Error(str(switches["oidc_error"]))
    app = _authenticated(request, params, switches)
    if params.get("grant_type") != "authorization_code":
        raise Error("unsupported_grant_type")
    grant = openid.redeem(app, params, grants.CODE_SECONDS)
    if not compare_digest(_challenge(params.get("code_verifier", "")).encode(), grant.extra["challenge"].encode()):
        raise Error("invalid_grant", "The code_verifier is not that of the code_challenge.")
    id_token = _id_token(request, grant.person, app.client_id, grant.extra["nonce"], grant.scope, switches)
    return openid.tokens(grant, id_token, switches, "oidc_id_token")


@openid.endpoint("oidc_keys_network", "GET")
def keys(request: HttpRequest, switches: Faults) -> HttpResponse:
    return JsonResponse(signing.jwks(str(switches["oidc_keys"])))


@openid.endpoint("oidc_network", "GET")
def userinfo(request: HttpRequest, switches: Faults) -> HttpResponse:
    scheme, _, access_token = request.headers.get("Authorization", "").partition(" ")
    try:
        grant = grants.read(access_token) if scheme == "Bearer" else None
    except grants.NotGranted:  # expired
        grant = None
    if grant is None:
        raise Error("invalid_token", status=401)
    return JsonResponse({"sub": sub(grant.person), **_profile(grant.person, grant.scope)})


@openid.endpoint("oidc_network", "GET")
def sdk_id_token(request: HttpRequest, switches: Faults) -> HttpResponse:
    """``?person=xiaolan&nonce=…&client_id=<app>`` -> ``{"id_token"}``, for the apps in ``options.native``."""
    params = request.GET.dict()
    native = [name for app in conf.apps(KIND).values() for name in app.options.get("native", [])]
    audience = params.get("client_id") or next(iter(native), "")
    if audience not in native:
        raise Error("invalid_client", "There is no such app.")
    person = openid.person_named(params)
    return JsonResponse({"id_token": _id_token(request, person, audience, params.get("nonce"), "openid", switches)})


def _id_token(
    request: HttpRequest, person: Person, audience: str, nonce: str | None, scope: str, switches: Faults
) -> str:
    claims = {"iss": issuer(request), "aud": audience, "sub": sub(person), "nonce": nonce, **_profile(person, scope)}
    fault, keys, algorithm = (str(switches[f"oidc_{name}"]) for name in ("id_token", "keys", "alg"))
    return signing.id_token(claims, fault=fault, keys=keys, algorithm=algorithm)


def _profile(person: Person, scope: str) -> Params:
    return {"name": person.nickname, "nickname": person.nickname} if "profile" in scope.split() else {}


def _authenticated(request: HttpRequest, params: Params, switches: Faults) -> conf.App:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    method = "basic" if scheme == "Basic" else "post"
    client_id, secret = params.get("client_id", ""), params.get("client_secret", "")
    if method == "basic":
        client_id, secret = _read_basic(credentials)
    app = conf.apps(KIND).get(client_id)
    is_right = app is not None and compare_digest(secret.encode(), app.secret.encode())
    if app is None or not is_right or method not in _AUTH[str(switches["oidc_auth"])]:
        raise Error("invalid_client", status=401)
    return app


def _read_basic(credentials: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
    except ValueError:
        raise Error("invalid_client", status=401) from None
    return unquote_plus(client_id), unquote_plus(secret)


def _challenge(verifier: str) -> str:
    """The code_challenge of the verifier; "" for a client that sent none."""
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") if verifier else ""


urlpatterns = [
    path("oidc/.well-known/openid-configuration", discovery, name="oidc_discovery"),
    path("oidc/authorize", authorize, name="oidc_authorize"),
    path("oidc/token", token, name="oidc_token"),
    path("oidc/keys", keys, name="oidc_keys"),
    path("oidc/userinfo", userinfo, name="oidc_userinfo"),
    path("oidc/sdk/id_token", sdk_id_token, name="oidc_sdk_id_token"),
]
