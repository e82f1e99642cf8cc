"""Apple and OpenID Connect against the emulator, over real HTTP: each way to sign in, and each of the emulator's
faults.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from phonebind.checks import check_providers
from phonebind.oauth import id_tokens
from phonebind_sandbox import apple, faults, oidc
from phonebind_sandbox.codes import ID_TOKEN_FAULTS, OPENID_CALLBACK_ERRORS, OPENID_ERRORS
from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE
from server import demo
from tests.sandbox.server import serve
from tests.support.id_tokens import hashed

pytestmark = [pytest.mark.django_db, pytest.mark.once]

XIAOLAN = PEOPLE["xiaolan"]
SUBS = {"apple": apple.sub(XIAOLAN, apps("apple")["example.sandbox.web"]), "oidc": oidc.sub(XIAOLAN)}
KINDS = tuple(SUBS)


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[str]:
    """The sandbox's address, without a slash. PROVIDERS is as in ``make run``."""
    id_tokens._kept.clear()
    with serve() as url:
        here = url.rstrip("/")
        entries = demo.providers(here, "http://127.0.0.1:8000/login/{}/callback/")
        settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {name: entries[name] for name in KINDS}}
        yield here


def sign_in(client: Client, kind: str, button: dict[str, str] | None = None) -> Any:
    """Sign in on the page of the emulator, and come back."""
    url = client.get(f"/oauth/{kind}/authorization/").json()["login_url"]
    back = requests.post(url, button or {"person": "xiaolan"}, allow_redirects=False, timeout=5).headers["Location"]
    return client.get(f"/oauth/{kind}/user/", dict(parse_qsl(urlsplit(back).query)))


def app(client: Client, sandbox: str, kind: str, nonce: str = "n0nce", **params: str) -> Any:
    asked = {"person": "xiaolan", "nonce": hashed("n0nce"), **params}
    token = requests.get(f"{sandbox}/{kind}/sdk/id_token", asked, timeout=5).json()["id_token"]
    form = {"token": token, "nonce": nonce}
    return client.post(f"/oauth/{kind}/native/", form, content_type="application/json")


def test_what_make_run_has_is_right(sandbox: str) -> None:
    assert check_providers() == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_way(sandbox: str, client: Client, kind: str) -> None:
    answer = sign_in(client, kind)
    assert (answer.status_code, bool(answer.json()["access_token"])) == (200, True)
    assert answer.json()["nickname"] == {"apple": "", "oidc": "小兰"}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_an_app(sandbox: str, client: Client, kind: str) -> None:
    answer = app(client, sandbox, kind)
    assert (answer.status_code, bool(answer.json()["access_token"])) == (200, True)
    assert app(client, sandbox, kind, nonce="other").json()["code"] == "code_invalid"
    assert app(client, sandbox, kind, nonce="").json()["code"] == "invalid"


@pytest.mark.parametrize("kind", KINDS)
def test_the_person_cancels(sandbox: str, client: Client, kind: str) -> None:
    answer = sign_in(client, kind, {"deny": "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_cancelled")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ID_TOKEN_FAULTS)
def test_threat_1_a_spoilt_id_token_is_nobody(sandbox: str, client: Client, kind: str, fault: str) -> None:
    faults.write({f"{kind}_id_token": fault})
    answer = sign_in(client, kind)
    if fault == "no_kid":
        assert answer.status_code == 200, "the only key of its type needs no name"
        return
    told = "code_invalid" if fault == "wrong_nonce" else "provider_unavailable"
    assert answer.json()["code"] == told
    if fault != "no_token":
        assert app(client, sandbox, kind).json()["code"] == "code_invalid"


@pytest.mark.parametrize("kind", KINDS)
def test_rotated_keys(sandbox: str, client: Client, kind: str) -> None:
    assert sign_in(client, kind).status_code == 200
    faults.write({f"{kind}_keys": "rotated"})
    for kept in id_tokens._kept.values():
        kept.asked -= id_tokens.PAUSE
    assert sign_in(client, kind).status_code == 200
    faults.write({f"{kind}_keys": "none"})
    id_tokens._kept.clear()
    assert sign_in(client, kind).json()["code"] == "provider_unavailable"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_each_algorithm(sandbox: str, client: Client, algorithm: str) -> None:
    faults.write({"oidc_alg": algorithm})
    assert sign_in(client, "oidc").status_code == 200


@pytest.mark.parametrize("auth", ["both", "basic", "post"])
def test_each_way_to_say_who_we_are(sandbox: str, client: Client, auth: str) -> None:
    faults.write({"oidc_auth": auth})
    assert sign_in(client, "oidc").status_code == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", OPENID_ERRORS)
def test_each_error_of_the_token_endpoint(sandbox: str, client: Client, kind: str, error: str) -> None:
    faults.write({f"{kind}_error": error})
    assert sign_in(client, kind).json()["code"] == (
        "code_invalid" if error == "invalid_grant" else "provider_unavailable"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", OPENID_CALLBACK_ERRORS)
def test_each_error_of_the_callback(sandbox: str, client: Client, kind: str, error: str) -> None:
    faults.write({f"{kind}_callback": error})
    assert sign_in(client, kind).json()["code"] in ("code_invalid", "provider_unavailable", "sign_in_cancelled")


@pytest.mark.parametrize("network", ["slow", "down", "reset", "garbage", "html", "empty", "drip", "redirect", "huge"])
@pytest.mark.parametrize("switch", ["apple_network", "apple_keys_network", "oidc_network", "oidc_keys_network"])
def test_threat_19_each_fault_of_the_network(
    sandbox: str, client: Client, switch: str, network: str, settings: Settings
) -> None:
    settings.PHONEBIND = settings.PHONEBIND | {"TOTAL_TIMEOUT": 0.4}
    faults.write({switch: network, "slow_seconds": 0.5})
    answer = sign_in(client, switch.partition("_")[0])
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")


@pytest.mark.parametrize("network", ["down", "redirect", "huge"])
def test_threat_19_a_discovery_that_cannot_be_read(sandbox: str, client: Client, network: str) -> None:
    faults.write({"oidc_discovery_network": network})
    assert client.get("/oauth/oidc/authorization/").status_code == 503


def test_an_issuer_that_calls_itself_otherwise(sandbox: str, client: Client) -> None:
    faults.write({"oidc_issuer": "wrong"})
    assert client.get("/oauth/oidc/authorization/").status_code == 503


def test_a_client_secret_of_another_key(sandbox: str, client: Client, settings: Settings, caplog: Any) -> None:
    entry = settings.PHONEBIND["PROVIDERS"]["apple"]
    settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {"apple": {**entry, "key_id": "OTHERKEY00"}}}
    assert sign_in(client, "apple").json()["code"] == "provider_unavailable"
    assert "error invalid_client at /auth/token" in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_make_run_can_be_clicked_through(site: str, kind: str) -> None:
    with requests.Session() as browser:
        assert f"/login/{kind}/" in browser.get(f"{site}/login/", timeout=5).text
        page = browser.get(f"{site}/login/{kind}/", timeout=10)
        assert page.url.startswith(f"{site}/sandbox/{kind}/")
        form = browser.post(page.url, {"person": "xiaolan"}, timeout=10)
        assert (form.status_code, urlsplit(form.url).path.startswith("/login/")) == (200, True)
        assert 'name="mobile"' in form.text
