"""What OpenID Connect has: discovery, PKCE, two ways for the client to authenticate, and more than one issuer."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from phonebind import binding, oauth
from phonebind.checks import check_next, check_providers, check_tls
from phonebind.exceptions import CodeInvalid, PhonebindError, ProviderUnavailable, SignInCancelled
from phonebind.models import SocialAccount
from phonebind.oauth import id_tokens, oidc
from phonebind.oauth.oidc import OpenIDConnect
from tests.oauth.drivers.oidc import DRIVER, ISSUER
from tests.support.edge import Configure, Upstream
from tests.support.id_tokens import SECRET, claims, derived, sign

pytestmark = pytest.mark.once

Make = Callable[..., OpenIDConnect]


@pytest.fixture
def make(upstream: Upstream, phonebind: Configure, settings: Settings) -> Make:
    """The provider for one request, with these settings instead of the driver's."""
    DRIVER.serve(upstream)

    def made(**changes: Any) -> OpenIDConnect:
        entry = {**DRIVER.settings, "base_url": upstream.url, **changes}
        settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {"oidc": entry}}
        found = oauth.get("oidc")
        assert isinstance(found, OpenIDConnect)
        return found

    return made


def _sent(upstream: Upstream) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and form of the one token call."""
    [(headers, body)] = [sent for path, sent in zip(upstream.paths, upstream.raw, strict=True) if path == "/token"]
    return dict(headers), dict(parse_qsl(body.decode(), strict_parsing=True))


def test_the_login_url(make: Make, upstream: Upstream) -> None:
    url = urlsplit(make().login_url("0" * 32, secret=SECRET))
    assert url._replace(query="").geturl() == f"{upstream.url}/authorize"
    verifier = derived(SECRET, "pkce")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert dict(parse_qsl(url.query, strict_parsing=True)) == {
        "response_type": "code",
        "client_id": "shop",
        "redirect_uri": DRIVER.settings["redirect_uri"],
        "scope": "openid",
        "state": "0" * 32,
        "nonce": derived(SECRET, "nonce"),
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert verifier not in url.query


def test_an_endpoint_may_have_a_query(make: Make, upstream: Upstream) -> None:
    DRIVER.serve(upstream, authorization_endpoint=f"{upstream.url}/authorize?policy=b2c")
    url = make(scope="openid profile").login_url("0" * 32, secret=SECRET)
    query = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
    assert (query["policy"], query["scope"]) == ("b2c", "openid profile")


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post", "client_secret_basic"]])
def test_basic_with_id_and_secret_as_forms_write_them(make: Make, upstream: Upstream, methods: object) -> None:
    DRIVER.serve(upstream, token_endpoint_auth_methods_supported=methods)
    make().exchange(DRIVER.person(upstream, DRIVER.openid), secret=SECRET)
    headers, form = _sent(upstream)
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"shop:the+secret%3A+of+the+shop"
    assert form == {
        "grant_type": "authorization_code",
        "code": "C0DE",
        "redirect_uri": DRIVER.settings["redirect_uri"],
        "code_verifier": derived(SECRET, "pkce"),
    }


@pytest.mark.parametrize("methods", [5, {"a": 1}, "client_secret_basic", True], ids=repr)
def test_threat_19_methods_that_are_no_list_are_garbage(make: Make, upstream: Upstream, methods: object) -> None:
    DRIVER.serve(upstream, token_endpoint_auth_methods_supported=methods)
    with pytest.raises(ProviderUnavailable):
        make().exchange(DRIVER.person(upstream, DRIVER.openid), secret=SECRET)


def test_in_the_body_where_that_is_all_it_takes(make: Make, upstream: Upstream) -> None:
    DRIVER.serve(upstream, token_endpoint_auth_methods_supported=["private_key_jwt", "client_secret_post"])
    make().exchange(DRIVER.person(upstream, DRIVER.openid), secret=SECRET)
    headers, form = _sent(upstream)
    assert "Authorization" not in headers
    assert (form["client_id"], form["client_secret"]) == ("shop", DRIVER.settings["client_secret"])


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"issuer": f"{ISSUER}/"}, "error issuer at"),
        ({"issuer": None}, "error issuer at"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "token_endpoint_auth_methods_supported"),
    ],
)
def test_what_the_operator_has_to_repair(
    make: Make, upstream: Upstream, document: dict[str, Any], told: str, caplog: Any
) -> None:
    code = DRIVER.person(upstream, DRIVER.openid)
    DRIVER.serve(upstream, **document)
    with pytest.raises(ProviderUnavailable):
        make().exchange(code, secret=SECRET)
    assert told in caplog.text
    assert "ERROR" in caplog.text
    assert "/token" not in upstream.paths


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("url", [None, "", 7, "ftp://id.example/", "javascript:alert(1)", "//id.example/x", "http:x"])
def test_an_endpoint_that_is_none_is_not_used(make: Make, upstream: Upstream, endpoint: str, url: object) -> None:
    code = DRIVER.person(upstream, DRIVER.openid)
    DRIVER.serve(upstream, **{endpoint: url})
    provider = make()
    ask = provider.login_url if endpoint == "authorization_endpoint" else provider.exchange
    with pytest.raises(ProviderUnavailable):
        ask(code, secret=SECRET)


@pytest.mark.parametrize("endpoint", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_threat_1_what_is_published_over_tls_leads_to_nothing_in_the_clear(make: Make, endpoint: str) -> None:
    provider = make(base_url="")
    document = {"issuer": ISSUER, endpoint: "http://id.example/x"}
    id_tokens._kept[f"{ISSUER}{oidc.WELL_KNOWN}"] = id_tokens._Kept(document, float("inf"), float("inf"))
    with pytest.raises(ProviderUnavailable):
        provider._endpoint(endpoint)
    document[endpoint] = "https://id.example/x"
    assert provider._endpoint(endpoint) == "https://id.example/x"


def test_the_slash_at_an_issuers_end_is_part_of_it(make: Make, upstream: Upstream) -> None:
    issuer = f"{ISSUER}/"
    DRIVER.serve(upstream, issuer=issuer)
    code = DRIVER.answer(upstream, iss=issuer)
    assert make(issuer=issuer, base_url=f"{upstream.url}/").exchange(code, secret=SECRET).openid == DRIVER.openid


@pytest.mark.parametrize("status", [404, 503])
def test_a_document_comes_with_200(make: Make, upstream: Upstream, status: int) -> None:
    upstream.answers[oidc.WELL_KNOWN].status = status
    with pytest.raises(ProviderUnavailable):
        make().login_url("0" * 32, secret=SECRET)


@pytest.mark.django_db
def test_threat_19_a_provider_that_is_away_is_no_500(make: Make, upstream: Upstream, client: Client) -> None:
    make()
    del upstream.answers[oidc.WELL_KNOWN]
    answer = client.get("/oauth/oidc/authorization/")
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert client.get("/login/oidc/").status_code == 503
    assert client.get("/login/").status_code == 200, "nor does the page with all the ways wait for one"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("access_denied", SignInCancelled),
        ("login_required", CodeInvalid),
        ("interaction_required", CodeInvalid),
        ("consent_required", CodeInvalid),
        ("invalid_scope", ProviderUnavailable),
        ("unsupported_response_type", ProviderUnavailable),
        ("server_error", ProviderUnavailable),
        ("temporarily_unavailable", ProviderUnavailable),
        ("anything", ProviderUnavailable),
    ],
)
def test_what_comes_back_in_place_of_a_code(make: Make, error: str, told: type[PhonebindError]) -> None:
    assert isinstance(make().refusal(error), told)


@pytest.mark.parametrize(
    ("claims", "greeting"),
    [
        ({}, ("", "")),
        ({"name": "王小明"}, ("王小明", "")),
        (
            {"name": "王小明", "nickname": "小明", "picture": "https://id.example/p.png"},
            ("小明", "https://id.example/p.png"),
        ),
        ({"name": {"first": "明"}, "nickname": None, "picture": ["x"]}, ("", "")),
    ],
)
def test_what_to_greet_with(make: Make, upstream: Upstream, claims: dict[str, Any], greeting: tuple[str, str]) -> None:
    provider = make()
    profile = provider.profile(provider.exchange(DRIVER.answer(upstream, **claims), secret=SECRET))
    assert (profile.nickname, profile.avatar) == greeting


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": ""}, "issuer is empty."),
        ({"label": ""}, "label is empty."),
        ({"client_secret": ""}, "client_secret is empty."),
        ({"issuer": "http://id.example", "base_url": ""}, "issuer must be an https URL"),
        ({"issuer": "id.example", "base_url": ""}, "issuer must be an https URL"),
        ({"scope": "profile"}, "scope must hold 'openid'"),
        ({"issuer": 7}, "issuer must be a str."),
        ({"isuer": "https://id.example"}, "isuer"),
    ],
)
def test_settings_that_are_wrong_are_told(make: Make, settings: Settings, changes: dict[str, Any], told: str) -> None:
    entry = {**DRIVER.settings, "base_url": "http://127.0.0.1:1", **changes}
    settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {"oidc": entry}}
    assert told in "".join(problem.msg for problem in check_providers())


def test_settings_that_are_right(make: Make) -> None:
    make(base_url="", scope="openid profile")
    assert check_providers() == check_tls() == check_next() == []


def test_it_works_for_no_front_end_that_keeps_no_cookie(make: Make, phonebind: Configure) -> None:
    make()
    phonebind(legacy_state=True)
    assert "it needs a secret in a cookie" in str(check_providers())


# ---------------------------------------------------------------- several


@pytest.fixture
def two(make: Make, upstream: Upstream, settings: Settings) -> Upstream:
    """Two issuers, at two paths of one server, with the same subject ids."""
    providers = {}
    for name in ("staff", "guests"):
        issuer = f"https://id.example/{name}"
        here = {"authorization_endpoint": f"{upstream.url}/authorize", "token_endpoint": f"{upstream.url}/{name}/token"}
        upstream.answer(f"/{name}{oidc.WELL_KNOWN}", {"issuer": issuer, **here, "jwks_uri": f"{upstream.url}/keys"})
        upstream.answer(f"/{name}/token", {"id_token": sign(claims(iss=issuer, aud="shop", sub="1"))})
        entry = {**DRIVER.settings, "provider": "oidc", "issuer": issuer, "label": name.title()}
        redirect_uri = f"https://shop.example/login/{name}/callback/"
        providers[name] = {**entry, "base_url": f"{upstream.url}/{name}", "redirect_uri": redirect_uri}
    settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": providers}
    return upstream


def _identity(name: str) -> oauth.Identity:
    provider = oauth.web(name)
    identity, _ = binding.identify(provider, lambda: provider.exchange("CODE", secret=SECRET))
    return identity


@pytest.mark.django_db
def test_two_issuers_have_two_people_of_one_name(two: Upstream, django_user_model: Any) -> None:
    assert check_providers() == []
    staff, guests = _identity("staff"), _identity("guests")
    assert (staff.app_id, guests.app_id) == ("https://id.example/staff", "https://id.example/guests")
    assert staff.openid == guests.openid
    assert staff.key != guests.key
    user = django_user_model.objects.create(username="xiaoming", mobile=None)
    SocialAccount.objects.create(user=user, provider="oidc", app_id=staff.app_id, openid="1")
    assert binding.find(staff)
    assert binding.find(guests) is None


def test_threat_8_an_issuer_is_not_believed_about_anothers_people(two: Upstream) -> None:
    token = sign(claims(iss="https://id.example/staff", aud="shop", sub="1"))
    two.answer("/guests/token", {"id_token": token})
    with pytest.raises(ProviderUnavailable):
        oauth.web("guests").exchange("CODE", secret=SECRET)


@pytest.mark.django_db
def test_each_has_its_own_label(two: Upstream, client: Client) -> None:
    page = client.get("/login/").content.decode()
    assert page.index("Staff") < page.index("Guests")
    assert oauth.label("oidc", "https://id.example/guests") == "Guests"
    assert oauth.label("oidc", "https://id.example/gone") == "Staff"
    assert oauth.label("gone", "https://id.example/gone") == "gone"
