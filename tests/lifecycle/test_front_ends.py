"""Bind another identity, and do a step-up by one, in each kind of front end."""

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, RequestFactory
from django.urls import clear_url_caches
from rest_framework.request import Request

from phonebind.exceptions import TokenInvalid
from phonebind.lifecycle import intents, people
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.support.edge import Configure, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

URLS = "tests.lifecycle.tutorial_urls"
IDENTITIES, VERIFICATIONS = "/account/identities/", "/account/verifications/"
Start = Callable[..., None]


@pytest.fixture(autouse=True)
def start(phonebind: Configure, qq: Upstream, person: Any) -> Iterator[Start]:
    """Set ``FRONT_END`` as if Django had started with it. QQ redirects to a static page."""

    def begin(word: str, **changes: Any) -> None:
        phonebind(front_end=word, providers={"redirect_uri": "http://www.shop.example:8080/back.html"}, **changes)
        _reload()

    phonebind.settings.ROOT_URLCONF = URLS
    yield begin
    phonebind(front_end="contract")
    _reload()


def _reload() -> None:
    for name in ("phonebind.api.urls", "phonebind.lifecycle.urls", URLS):
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    clear_url_caches()


class Page:
    """A front-end page's requests: with its token, and with cookies if the page ``keeps`` them."""

    def __init__(self, *, keeps: bool, origin: str = "") -> None:
        self.keeps, self._client = keeps, Client()
        self.headers = {"Origin": origin} if origin else {}

    @property
    def client(self) -> Client:
        return self._client if self.keeps else Client()

    def sign_in(self, path: str = "/authorizations/") -> None:
        form = {"username": MOBILE, "password": PASSWORD}
        answer = self.client.post(path, form, content_type="application/json", headers=self.headers)
        assert answer.status_code == 200, answer.content
        if "token" in answer.json():
            self.headers["Authorization"] = f"Bearer {answer.json()['token']}"

    def go(self, intent: str, path: str = "/oauth/qq/authorization/") -> dict[str, str]:
        answer = self.client.get(path, {"next": "/", "intent": intent}, headers=self.headers)
        assert answer.status_code == 200, answer.content
        [state] = parse_qs(urlsplit(answer.json()["login_url"]).query)["state"]
        return {"provider": "qq", "code": "CODE", "state": state}

    def post(self, path: str, form: Any, **headers: str) -> Any:
        return self.client.post(path, form, content_type="application/json", headers={**self.headers, **headers})

    def shown(self) -> dict[str, str]:
        """The proof of a step-up by password. Without cookies, a sign-in is no such proof."""
        answer = self.post(VERIFICATIONS, {"password": PASSWORD})
        assert answer.status_code == 201, answer.content
        return {"X-Verification": answer.json()["verification"]}


def code(answer: Any) -> Any:
    return answer.json().get("code", answer.status_code)


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("setting", ["tutorial", "legacy_state"])
def test_pages_that_keep_no_cookies_bind_one_more(start: Start, person: Any, setting: str, keeps: bool) -> None:
    start("tutorial") if setting == "tutorial" else start("contract", legacy_state=True)
    page = Page(keeps=keeps)
    page.sign_in()
    shown, form = page.shown(), page.go("bind")
    assert page.post(IDENTITIES, form, **shown).status_code == 201
    assert SocialAccount.objects.get().user == person
    assert code(page.post(IDENTITIES, form, **shown)) == "state_invalid", "threat 24: once"
    form = page.go("verify")
    assert code(page.post(IDENTITIES, form, **shown)) == "state_invalid", "threat 24: for what it was made"
    assert page.post(VERIFICATIONS, page.go("verify")).status_code == 201


def test_threat_24_the_csrf_of_linking_without_cookies(start: Start, person: Any) -> None:
    """In this front end, the state is no secret of the browser. The attacker has a state, and makes a victim's page
    post it.
    """
    start("tutorial")
    attacker, victim = Page(keeps=False), Page(keeps=False)
    attacker.sign_in()
    victim.sign_in()
    for state in (attacker.go("bind")["state"], "0" * 32, "", "x"):
        form = {"provider": "qq", "code": "ATTACKERS", "state": state}
        assert code(victim.post(IDENTITIES, form, **victim.shown())) in ("state_invalid", "invalid")
    assert not SocialAccount.objects.exists()


def test_a_front_end_that_keeps_cookies_shows_them(start: Start, person: Any) -> None:
    """The entry that the store keeps for front ends without cookies is not valid here."""
    start("contract")
    page = Page(keeps=True)
    page.sign_in()
    form = page.go("bind")
    page.keeps = False
    shown = page.shown()
    assert code(page.post(IDENTITIES, form, **shown)) == "state_invalid"
    start("tutorial")
    assert code(page.post(IDENTITIES, form, **shown)) == "state_invalid"


def test_a_host_without_djangos_sessions_knows_nobody_by_them(start: Start) -> None:
    start("session")
    with pytest.raises(TokenInvalid):
        people.of(Request(RequestFactory().get("/")))


@pytest.mark.parametrize("path", ["/qq/authorization/", "/oauth/qq/authorization/"])
def test_pages_of_the_session_edition_bind_one_more(start: Start, person: Any, path: str) -> None:
    start("session")
    page = Page(keeps=True, origin="http://testserver")
    page.sign_in("/login/")
    form = page.go("bind", path)
    assert page.post(IDENTITIES, form).status_code == 201
    assert SocialAccount.objects.get().user == person
    assert page.post(VERIFICATIONS, page.go(intents.VERIFY, path)).status_code == 201
