import json
import re
import sys
import time
from importlib import import_module
from typing import Any

import jwt
import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

import phonebind_sandbox
from phonebind_sandbox import apple, signing
from phonebind_sandbox.conf import APPLE_PRIVATE_KEY, apps
from phonebind_sandbox.people import PEOPLE
from tests.sandbox.openid import OpenID
from tests.support.id_tokens import ec_key

CALLBACK = "http://127.0.0.1:8000/login/apple/callback/"
SERVICES, BUNDLE, TEAM = "example.sandbox.web", "example.sandbox.app", "SANDBOX001"
XIAOLAN = apple.sub(PEOPLE["xiaolan"], apps("apple")[SERVICES])


def client_secret(key: Any = APPLE_PRIVATE_KEY, kid: str = "SANDBOXKEY", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": TEAM, "iat": now, "exp": now + 600, "aud": apple.ISSUER, "sub": SERVICES, **changes}
    return jwt.encode({k: v for k, v in claims.items() if v}, key, algorithm="ES256", headers={"kid": kid})


@pytest.fixture
def asked(form: str) -> OpenID:
    query = {"response_type": "code", "client_id": SERVICES, "redirect_uri": CALLBACK, "state": "a b", "nonce": "n"}
    secret = {"client_id": SERVICES, "client_secret": client_secret(), "redirect_uri": CALLBACK}
    return OpenID("apple", query, {**secret, "grant_type": "authorization_code"})


def test_the_whole_way(asked: OpenID) -> None:
    assert "xiaolan" in asked.authorize().content.decode()
    back = asked.callback({"person": "xiaolan"})
    assert back.keys() == {"code", "state"}
    assert back["state"] == "a b"
    answer = asked.token(back["code"]).json()
    assert answer.keys() == {"access_token", "token_type", "expires_in", "id_token"}
    claims = asked.claims(answer["id_token"], audience=SERVICES, issuer=apple.ISSUER)
    assert (claims["sub"], claims["nonce"]) == (XIAOLAN, "n")
    assert re.fullmatch(r"\d{6}\.[0-9a-f]{32}\.\d{4}", XIAOLAN)
    assert len({apple.sub(person, apps("apple")[SERVICES]) for person in PEOPLE.values()}) == len(PEOPLE)


def test_only_rsa_keys_are_published(asked: OpenID) -> None:
    [key] = asked.get("keys").json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert "d" not in key


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"client_id": "sandbox-oidc"}, "invalid_client"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "name email"}, "invalid_request"),
        ({"response_type": "code id_token"}, "invalid_request"),
    ],
)
def test_what_apple_does_not_take_is_a_page(asked: OpenID, params: dict[str, Any], told: str) -> None:
    answer = asked.authorize(**params)
    assert (answer.status_code, told in answer.content.decode()) == (400, True)


def test_nobody_of_that_name(asked: OpenID) -> None:
    assert asked.authorize({"person": "nobody"}).status_code == 400


def test_the_person_cancels(asked: OpenID) -> None:
    assert asked.callback({"deny": "1"}) == {"error": "user_cancelled_authorize", "state": "a b"}


def test_form_post_brings_the_name_the_first_time_only(asked: OpenID) -> None:
    def post(**params: str) -> dict[str, str]:
        page = asked.authorize({"person": "liming"}, response_mode="form_post", **params).content.decode()
        assert f'action="{CALLBACK}"' in page
        return {name: value.replace("&quot;", '"') for name, value in re.findall(r'name="(\w+)" value="(.*)"', page)}

    assert post().keys() == {"code", "state"}
    first = post(scope="name email", response_type="code id_token")
    assert json.loads(first["user"]) == {
        "name": {"firstName": "明", "lastName": "李"},
        "email": "liming@privaterelay.appleid.com",
    }
    assert asked.claims(first["id_token"], audience=SERVICES)["nonce"] == "n"
    assert post(scope="name email").keys() == {"code", "state"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ec_key("mallory")},
        {"kid": "OTHERKEY"},
        {"iss": "OTHERTEAM"},
        {"sub": BUNDLE},
        {"aud": "https://apple.com"},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"exp": int(time.time()) + signing.MAX_SECRET_SECONDS + 3600},
    ],
    ids=["key", "kid", "iss", "sub", "aud", "expired", "no exp", "no iat", "good for too long"],
)
def test_a_client_secret_that_is_wrong(asked: OpenID, wrong: dict[str, Any]) -> None:
    code = asked.code()
    answer = asked.token(code, client_secret=client_secret(**wrong))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert "id_token" in asked.token(code).json(), "and the code is still good"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": ""}, "invalid_client"),
        ({"client_secret": "a.b.c"}, "invalid_client"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": "other"}, "invalid_grant"),
        # As Apple answers it.
        ({"redirect_uri": "http://127.0.0.1:8000/other/"}, "invalid_client"),
    ],
)
def test_refusals(asked: OpenID, form: dict[str, str], error: str) -> None:
    assert asked.token(**{"code": asked.code(), **form}).json()["error"] == error


def test_a_secret_is_verified_with_the_key_of_the_app(asked: OpenID, settings: Settings) -> None:
    app = {"kind": "apple", "secret": "no key", "developer": TEAM, "options": {"key_id": "SANDBOXKEY"}}
    code = asked.code()
    settings.PHONEBIND_SANDBOX = {"APPS": {SERVICES: app}}
    assert asked.token(code).json()["error"] == "invalid_client"


def test_a_code_is_good_once_and_for_five_minutes(asked: OpenID) -> None:
    code = asked.code()
    assert "id_token" in asked.token(code).json()
    again = asked.token(code).json()
    assert (again["error"], "used" in again["error_description"]) == ("invalid_grant", True)
    with time_machine.travel(time.time(), tick=False) as clock:
        late = asked.code()
        clock.shift(apple.CODE_SECONDS)
        assert asked.token(late).json()["error"] == "invalid_grant"


def test_switch_apple_callback(asked: OpenID) -> None:
    asked.turn(apple_callback="server_error")
    assert asked.callback({"person": "xiaolan"}) == {"error": "server_error", "state": "a b"}


def test_switch_apple_error(asked: OpenID) -> None:
    code = asked.code()
    asked.turn(apple_error="invalid_grant")
    assert asked.token(code).json()["error"] == "invalid_grant"


def test_switch_apple_keys(asked: OpenID) -> None:
    old = asked.id_token()
    [kid] = asked.keys()
    asked.turn(apple_keys="rotated")
    assert asked.keys().keys() != {kid}
    with pytest.raises(KeyError):
        asked.claims(old, audience=SERVICES)
    assert asked.claims(asked.id_token(), audience=SERVICES)
    asked.turn(apple_keys="none")
    assert asked.get("keys").json() == {"keys": []}


@pytest.mark.parametrize(("switch", "name"), [("apple_network", "sdk_id_token"), ("apple_keys_network", "keys")])
def test_switches_of_the_network(asked: OpenID, switch: str, name: str) -> None:
    asked.turn(**{switch: "down"})
    assert asked.get(name).status_code == 503


# ---------------------------------------------------------------- the SDK


def test_what_the_sdk_gives_an_app(asked: OpenID) -> None:
    token = asked.get("sdk_id_token", {"person": "xiaolan", "nonce": "hashed", "client_id": BUNDLE}).json()["id_token"]
    claims = asked.claims(token, audience=BUNDLE, issuer=apple.ISSUER)
    assert (claims["sub"], claims["nonce"]) == (XIAOLAN, "hashed")
    without = asked.get("sdk_id_token", {"person": "xiaolan"}).json()["id_token"]
    assert "nonce" not in asked.claims(without, audience=BUNDLE)


@pytest.mark.parametrize("params", [{"person": "nobody"}, {"person": "xiaolan", "client_id": SERVICES}])
def test_what_the_sdk_is_not_given(asked: OpenID, params: dict[str, str]) -> None:
    assert asked.get("sdk_id_token", params).status_code == 400


# ---------------------------------------------------------------- without its library


@pytest.mark.parametrize("name", ["apple_authorize", "apple_keys", "oidc_authorize", "oidc_discovery"])
def test_without_its_library_it_says_what_to_install(
    client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(signing, "is_installed", False)
    answer = client.get(reverse(f"phonebind_sandbox:{name}"))
    assert (answer.status_code, "phonebind-sandbox[oidc]" in answer.content.decode()) == (501, True)


def test_without_its_library_it_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phonebind_sandbox, "signing", signing)  # restore the module
    monkeypatch.delitem(sys.modules, "phonebind_sandbox.signing")
    monkeypatch.setitem(sys.modules, "jwt", None)
    assert import_module("phonebind_sandbox.signing").is_installed is False
