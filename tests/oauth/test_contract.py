"""The rules for every provider: identity, audience, refusals, unionid, deadline, and no secret in a log."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from phonebind import binding, oauth
from phonebind.conf import conf
from phonebind.exceptions import CodeInvalid, ProviderUnavailable, SignInCancelled
from phonebind.models import SocialAccount
from phonebind.oauth import Grant, Identity, NativeProvider, Provider, WebProvider
from tests.oauth.drivers import DRIVERS
from tests.oauth.drivers.base import Driver
from tests.support.edge import LATE, Answer, Configure, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: 43 letters, the length in RFC 7636.
SECRET = "s" * 43

#: Answers that are valid for no provider: a proxy's page, a cut answer, another type, ids that no column can store.
USELESS = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"<html>502 Bad Gateway</html>",
    b'{"access_token"',
    b'{"access_token":null,"openid":null,"uid":true}',
    b"\xff\xfe\x00",
    b"[" * 5_000,
    b'{"openid":{"a":1},"uid":[1],"id_token":{}}',
)


@pytest.fixture(params=DRIVERS, ids=lambda driver: driver.kind)
def driver(request: pytest.FixtureRequest) -> Driver:
    found: Driver = request.param
    return found


@pytest.fixture
def provider(driver: Driver, upstream: Upstream, phonebind: Configure, settings: Settings) -> Callable[[], Provider]:
    """The provider for one request, as a view makes it."""
    driver.serve(upstream)
    entry = {**driver.settings, "base_url": upstream.url}
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {driver.kind: entry}}
    return lambda: oauth.get(driver.kind)


def trade(provider: Provider, proof: str) -> Grant:
    if isinstance(provider, WebProvider):
        return provider.exchange(proof, secret=SECRET if provider.uses_secret else "")
    assert isinstance(provider, NativeProvider)
    return provider.verify(proof)


def identify(provider: Provider, proof: str) -> tuple[Identity, SocialAccount | None]:
    return binding.identify(provider, lambda: trade(provider, proof))


def bound(identity: Identity, django_user_model: Any, name: str = "xiaoming") -> SocialAccount:
    user = django_user_model.objects.create(username=name, mobile=None)
    return SocialAccount.objects.create(
        user=user,
        provider=identity.provider,
        app_id=identity.app_id,
        openid=identity.openid,
        unionid=identity.unionid,
    )


def test_it_is_listed_and_its_settings_are_right(provider: Callable[[], Provider], driver: Driver) -> None:
    assert driver.kind in oauth.KINDS
    made = provider()
    assert (made.kind, made.name) == (driver.kind, driver.kind)
    assert made.check() == []
    assert str(made.label)
    assert made.family.isidentifier()


def test_the_identity_is_the_providers(provider: Callable[[], Provider], driver: Driver, upstream: Upstream) -> None:
    identity, account = identify(provider(), driver.person(upstream, driver.openid))
    assert account is None
    assert (identity.provider, identity.openid) == (provider().family, driver.openid)
    assert identity.app_id == provider().app_id
    other, _ = identify(provider(), driver.person(upstream, driver.other_openid))
    assert other.openid == driver.other_openid
    assert other.key != identity.key


def test_who_is_bound_comes_back(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, django_user_model: Any
) -> None:
    identity, _ = identify(provider(), driver.person(upstream, driver.openid))
    account = bound(identity, django_user_model)
    assert identify(provider(), driver.person(upstream, driver.openid))[1] == account
    assert identify(provider(), driver.person(upstream, driver.other_openid))[1] is None


def test_threat_8_an_answer_about_another_app_is_nobody(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream
) -> None:
    proof = driver.foreign(upstream)
    if proof is None:
        pytest.skip("no answer of this provider names an app: the code and the secret bind it")
    with pytest.raises((ProviderUnavailable, CodeInvalid)):
        trade(provider(), proof)


def test_each_refusal_is_for_who_can_repair_it(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    seen = set()
    for name, repair, answer in driver.refusals():
        proof = driver.person(upstream, driver.openid)
        upstream.answers[driver.path] = answer
        caplog.clear()
        wanted = CodeInvalid if repair == "user" else ProviderUnavailable
        with pytest.raises(wanted):
            trade(provider(), proof)
        # The log has one alarm a minute for each error. Each error has another name here, so each makes its alarm.
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert bool(errors) == (repair == "operator"), (name, caplog.text)
        seen.add(repair)
    assert seen == {"user", "operator", "provider"} - driver.never


def test_threat_22_no_secret_of_the_settings_is_shown_with_them(provider: Callable[[], Provider]) -> None:
    """Django's error page and error collectors show every local variable."""
    settings = provider().settings
    shown = repr(settings)
    for name in ("client_secret", "private_key"):
        assert not (secret := getattr(settings, name, "")) or repr(secret)[1:-1] not in shown


def test_what_is_no_answer_is_nobody(provider: Callable[[], Provider], driver: Driver, upstream: Upstream) -> None:
    for body in (*USELESS, *driver.useless()):
        for status in (200, 400, 500, 503):
            proof = driver.person(upstream, driver.openid)
            upstream.answers[driver.path] = Answer(body, status)
            with pytest.raises((ProviderUnavailable, CodeInvalid)):
                trade(provider(), proof)


def test_a_provider_that_hangs_is_waited_for_no_longer_than_the_deadline(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, phonebind: Configure
) -> None:
    proof = driver.person(upstream, driver.openid)
    upstream.answers[driver.path].delay = LATE
    phonebind(total_timeout=0.2)
    with pytest.raises(ProviderUnavailable):
        trade(provider(), proof)


def test_no_secret_is_ever_logged(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proofs = set()
    for answer in (None, *(answer for _, _, answer in driver.refusals()), *(Answer(body) for body in USELESS)):
        proofs.add(proof := driver.person(upstream, driver.openid))
        if answer is not None:
            upstream.answers[driver.path] = answer
        try:
            identify(provider(), proof)
        except (CodeInvalid, ProviderUnavailable):
            continue
    secret = str(driver.settings.get("client_secret") or "")
    for hidden in (*proofs, *driver.secrets, *([secret] if secret else [])):
        assert hidden not in caplog.text
    assert not driver.settings.get("private_key") or str(driver.settings["private_key"]) not in caplog.text


# ---------------------------------------------------------------- unionid


def with_unionid(driver: Driver) -> str:
    if driver.unionid is None:
        pytest.skip("this provider tells no unionid")
    return driver.unionid


def test_the_unionid_now(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, django_user_model: Any
) -> None:
    """A person who is known from another app of the family is recognised."""
    unionid = with_unionid(driver)
    elsewhere = Identity(provider().family, "another-app", "another-openid", unionid)
    account = bound(elsewhere, django_user_model)
    identity, found = identify(provider(), driver.person(upstream, driver.openid, unionid=unionid))
    assert found is not None
    assert (found.user_id, found.openid, identity.unionid) == (account.user_id, driver.openid, unionid)
    assert SocialAccount.objects.count() == 2


def test_the_unionid_later(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, django_user_model: Any, same_person: list[Any]
) -> None:
    """A known identity gets its unionid later, and stays the same identity."""
    unionid = with_unionid(driver)
    identity, _ = identify(provider(), driver.person(upstream, driver.openid))
    account = bound(identity, django_user_model)
    assert identify(provider(), driver.person(upstream, driver.openid, unionid=unionid))[1] == account
    account.refresh_from_db()
    assert (account.unionid, same_person) == (unionid, [])
    assert identify(provider(), driver.person(upstream, driver.openid))[1] == account, "and keeps it"
    account.refresh_from_db()
    assert account.unionid == unionid


def test_two_accounts_of_one_person_are_told_of_and_not_joined(
    provider: Callable[[], Provider], driver: Driver, upstream: Upstream, django_user_model: Any, same_person: list[Any]
) -> None:
    unionid = with_unionid(driver)
    theirs = bound(Identity(provider().family, "another-app", "another", unionid), django_user_model, "elsewhere")
    identity, _ = identify(provider(), driver.person(upstream, driver.openid))
    account = bound(identity, django_user_model)
    assert identify(provider(), driver.person(upstream, driver.openid, unionid=unionid))[1] == account
    [heard] = same_person
    assert heard["user_ids"] == sorted([theirs.user_id, account.user_id])
    assert SocialAccount.objects.get(pk=theirs.pk).user_id == theirs.user_id


# ---------------------------------------------------------------- browsers


@pytest.fixture
def web(provider: Callable[[], Provider]) -> WebProvider:
    made = provider()
    if not isinstance(made, WebProvider):
        pytest.skip("no browser goes there")
    return made


def test_nothing_but_a_state_is_a_cancel(web: WebProvider) -> None:
    assert isinstance(web.refusal(""), SignInCancelled)


def test_the_login_url_has_the_state_the_address_and_no_secret(web: WebProvider, driver: Driver) -> None:
    state = "0123456789abcdef" * 2
    url = web.login_url(state, secret=SECRET if web.uses_secret else "")
    assert url.startswith(("http://", "https://"))
    assert f"state={state}" in url
    assert str(driver.settings["client_id"]) in url
    assert SECRET not in url
    assert str(driver.settings.get("client_secret") or "-") not in url


def test_the_cancelled_callback_is_a_page_and_an_answer(web: WebProvider, driver: Driver, client: Client) -> None:
    state = _state(client, driver.kind)
    answer = client.get(f"/oauth/{driver.kind}/user/", {"state": state})
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_cancelled")
    page = client.get(f"/login/{driver.kind}/callback/", {"state": state})
    assert page.status_code == 200


def _state(client: Client, kind: str) -> str:
    url = str(client.get(f"/oauth/{kind}/authorization/").json()["login_url"])
    return url.partition("state=")[2][:32]


# ---------------------------------------------------------------- apps


@pytest.fixture
def native(provider: Callable[[], Provider]) -> NativeProvider:
    made = provider()
    if not isinstance(made, NativeProvider):
        pytest.skip("no app signs in with it")
    return made


def test_what_an_app_brings_names_the_person(native: NativeProvider, driver: Driver, upstream: Upstream) -> None:
    proof, nonce = driver.app(upstream, driver.openid)
    identity, account = binding.identify(native, lambda: native.verify(proof, nonce=nonce))
    assert (identity.provider, identity.app_id, identity.openid) == (native.family, native.app_id, driver.openid)
    assert account is None


def test_an_app_waits_no_longer_than_the_deadline(
    native: NativeProvider, provider: Callable[[], Provider], driver: Driver, upstream: Upstream, phonebind: Configure
) -> None:
    proof, nonce = driver.app(upstream, driver.openid)
    upstream.answers[driver.native_path or driver.path].delay = LATE
    phonebind(total_timeout=0.2)
    made = provider()
    assert isinstance(made, type(native))
    with pytest.raises(ProviderUnavailable):
        made.verify(proof, nonce=nonce)


@pytest.mark.parametrize("body", USELESS)
def test_what_is_no_answer_about_an_app_is_nobody_and_in_no_log(
    native: NativeProvider, driver: Driver, upstream: Upstream, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proof, nonce = driver.app(upstream, driver.openid)
    upstream.answers[driver.native_path or driver.path] = Answer(body)
    with pytest.raises((ProviderUnavailable, CodeInvalid)):
        native.verify(proof, nonce=nonce)
    for hidden in (proof, *driver.secrets):
        assert hidden not in caplog.text


# ---------------------------------------------------------------- parsers


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_parser_falls_over_what_it_is_given(body: bytes) -> None:
    for driver in DRIVERS:
        for parse in driver.parsers():
            parse(body)


def test_every_kind_has_a_driver() -> None:
    assert {driver.kind for driver in DRIVERS} == set(oauth.KINDS)
    assert {oauth.get(name).kind for name in conf.providers} <= set(oauth.KINDS)
