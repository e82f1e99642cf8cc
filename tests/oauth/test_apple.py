"""What only Apple has, among the providers of id_tokens: a signed client secret, and teams."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from phonebind import oauth
from phonebind.checks import check_providers
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable, SignInCancelled
from phonebind.oauth import apple
from phonebind.oauth.apple import Apple
from tests.oauth.drivers.apple import BUNDLE, DRIVER, SERVICES, TEAM
from tests.support.edge import Upstream
from tests.support.id_tokens import SECRET, claims, derived, ec_key, hashed, pem, sign

pytestmark = pytest.mark.once

Make = Callable[..., Apple]


@pytest.fixture
def make(upstream: Upstream, settings: Settings) -> Make:
    """Apple for one request, with these settings instead of the driver's."""
    DRIVER.serve(upstream)

    def made(**changes: Any) -> Apple:
        entry = {**DRIVER.settings, "base_url": upstream.url, **changes}
        settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {"apple": entry}}
        found = oauth.get("apple")
        assert isinstance(found, Apple)
        return found

    return made


def test_it_is_asked_in_a_way_that_answers_by_get(make: Make) -> None:
    """With any scope, Apple answers by a POST from its own site. SameSite=Lax then keeps the browser from sending our
    cookie.
    """
    url = urlsplit(make(base_url="").login_url("0" * 32, secret=SECRET))
    assert url._replace(query="").geturl() == "https://appleid.apple.com/auth/authorize"
    assert dict(parse_qsl(url.query, strict_parsing=True)) == {
        "response_type": "code",
        "response_mode": "query",
        "client_id": SERVICES,
        "redirect_uri": DRIVER.settings["redirect_uri"],
        "state": "0" * 32,
        "nonce": derived(SECRET, "nonce"),
    }


def test_what_the_token_endpoint_is_sent(make: Make, upstream: Upstream) -> None:
    make().exchange(DRIVER.person(upstream, DRIVER.openid), secret=SECRET)
    [(headers, body)] = [sent for path, sent in zip(upstream.paths, upstream.raw, strict=True) if path == apple.TOKEN]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    form = dict(parse_qsl(body.decode(), strict_parsing=True))
    secret = form.pop("client_secret")
    assert form == {
        "grant_type": "authorization_code",
        "client_id": SERVICES,
        "code": "c0de.0.abcd",
        "redirect_uri": DRIVER.settings["redirect_uri"],
    }
    assert jwt.get_unverified_header(secret) == {"alg": "ES256", "kid": "KEY0000001", "typ": "JWT"}
    signed = jwt.decode(secret, ec_key().public_key(), ["ES256"], audience=apple.BASE)
    assert (signed["iss"], signed["sub"]) == (TEAM, SERVICES)
    assert 0 <= time.time() - signed["iat"] < apple.SECRET_USE
    assert signed["exp"] - signed["iat"] == apple.SECRET_LIFE


def test_a_secret_is_used_again_while_it_is_good_for_long(make: Make) -> None:
    provider = make()
    with time_machine.travel(apple.SECRET_USE * 1_000_000, tick=False) as clock:
        first = provider._client_secret
        clock.shift(apple.SECRET_USE - 1)
        assert provider._client_secret == first
        clock.shift(1)
        assert provider._client_secret != first
    assert apple.SECRET_LIFE - apple.SECRET_USE > 600


def test_the_secret_is_that_of_the_settings(make: Make) -> None:
    changed: tuple[dict[str, str], ...] = (
        {},
        {"team_id": "T"},
        {"key_id": "K"},
        {"client_id": "C"},
        {"private_key": pem("two")},
    )
    assert len({make(**change)._client_secret for change in changed}) == len(changed)


@pytest.mark.parametrize("written", [pem(), pem().replace("\n", "\\n"), pem().strip()], ids=["text", "line", "strip"])
def test_the_key_as_environments_hold_it(make: Make, written: str) -> None:
    assert make(private_key=written).check() == []


@pytest.mark.parametrize("key", ["no key", pem()[:-80], "-----BEGIN PRIVATE KEY-----"])
def test_a_key_that_is_none_is_told_to_the_operator(make: Make, key: str, upstream: Upstream, caplog: Any) -> None:
    provider = make(private_key=key)
    [problem] = check_providers()
    assert (problem.id, ".p8" in problem.msg, key in problem.msg) == ("phonebind.E002", True, False)
    with pytest.raises(ProviderUnavailable):
        provider.exchange("CODE", secret=SECRET)
    assert "error private_key at /auth/token" in caplog.text
    assert upstream.paths == []


@pytest.mark.parametrize("name", ["team_id", "key_id", "private_key", "client_id"])
def test_what_is_missing_is_told(make: Make, name: str) -> None:
    make(**{name: ""})
    assert f"{name} is empty." in "".join(problem.msg for problem in check_providers())


def test_a_scope_would_bring_people_back_without_their_cookie(make: Make) -> None:
    make(scope="name email")
    [problem] = check_providers()
    assert "cross-site POST" in problem.msg


def test_bundle_ids_may_be_a_list(make: Make) -> None:
    make(audiences=[BUNDLE])
    assert check_providers() == []
    make(audiences=BUNDLE)
    assert "audiences must be a list of str." in str(check_providers())


def test_a_person_is_one_to_all_apps_of_a_team(make: Make, upstream: Upstream) -> None:
    provider = make()
    assert provider.app_id == TEAM
    web = provider.exchange(DRIVER.person(upstream, DRIVER.openid), secret=SECRET)
    token = sign(claims(iss=apple.BASE, aud=BUNDLE, sub=DRIVER.openid, nonce=hashed("n0nce")))
    app = provider.verify(token, nonce="n0nce")
    assert web == app
    # We request neither name nor e-mail, and an address of Apple's relay is no name to greet a person with.
    assert provider.profile(app) == oauth.Profile()


def test_the_relay_address_is_no_name(make: Make, upstream: Upstream) -> None:
    relay = {"email": "x@privaterelay.appleid.com", "email_verified": "true", "is_private_email": True}
    token = sign(claims(iss=apple.BASE, aud=SERVICES, sub=DRIVER.openid, **relay))
    upstream.answer(apple.TOKEN, {"id_token": token})
    provider = make()
    assert provider.profile(provider.exchange("C", secret=SECRET)) == oauth.Profile()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("user_cancelled_authorize", SignInCancelled),
        ("invalid_grant", CodeInvalid),
        ("invalid_client", ProviderUnavailable),
        ("access_denied", ProviderUnavailable),
        ("anything", ProviderUnavailable),
    ],
)
def test_what_comes_back_in_place_of_a_code(make: Make, error: str, told: type[PhonebindError], caplog: Any) -> None:
    assert isinstance(make().refusal(error), told)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_threat_48_an_address_that_somebody_made_up_is_a_warning_at_most(make: Make, caplog: Any) -> None:
    for error in ("invalid_client", "invalid_request", "made-up"):
        make().refusal(error)
    [record] = caplog.records
    assert (record.levelname, "invalid_client" in record.message) == ("WARNING", True)


@pytest.mark.django_db
def test_an_identity_is_bound_and_comes_back(make: Make, upstream: Upstream, client: Client) -> None:
    make()
    login_url = client.get("/oauth/apple/authorization/", {"next": "/cart.html"}).json()["login_url"]
    query = dict(parse_qsl(urlsplit(login_url).query))
    upstream.answer(
        apple.TOKEN, {"id_token": sign(claims(iss=apple.BASE, aud=SERVICES, sub=DRIVER.openid, nonce=query["nonce"]))}
    )
    answer = client.get("/oauth/apple/user/", {"state": query["state"], "code": "c0de"})
    assert (answer.status_code, answer.json()["next"]) == (200, "/cart.html")


def test_without_cryptography_it_says_what_to_install(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyJWT is always installed, since simplejwt needs it. Without cryptography it lacks this name."""
    make()
    oauth._class.cache_clear()
    for name in ("phonebind.oauth.apple", "phonebind.oauth.id_tokens"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(jwt.algorithms, "RSAPSSAlgorithm")
    [problem] = check_providers()
    assert problem.id == "phonebind.E002"
    assert "pip install 'phonebind[oidc]'" in problem.msg
    monkeypatch.undo()
    oauth._class.cache_clear()


@pytest.mark.parametrize("kind", ["apple", "oidc"])
def test_who_does_not_use_it_loads_nothing_of_it(kind: str) -> None:
    """A separate process, which uses QQ alone."""
    code = f"""
import sys, django
from django.conf import settings
qq = {{"client_id": "1", "client_secret": "s", "redirect_uri": "https://shop.example/"}}
settings.configure(PHONEBIND={{"PROVIDERS": {{"qq": qq}}}}, INSTALLED_APPS=[])
django.setup()
from phonebind import oauth
oauth.ways("")
assert "phonebind.oauth.qq" in sys.modules
assert not sys.modules.keys() & {{"phonebind.oauth.{kind}", "phonebind.oauth.id_tokens"}}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
