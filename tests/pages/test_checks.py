"""The system checks of the pages."""

from types import ModuleType
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import include, path
from django.utils.module_loading import import_string
from pytest_django import Settings

from phonebind.pages import look
from phonebind.pages.apps import NEEDED, check_middleware, check_replicas
from tests.support.dialects import Start, front_end
from tests.support.edge import Configure, phonebind, qq

__all__ = ["front_end", "phonebind", "qq"]


def test_the_reference_server_has_what_the_pages_need() -> None:
    assert check_middleware() == []


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_middleware_is_told(settings: Settings, name: str) -> None:
    needed = import_string(name)
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not issubclass(import_string(path), needed)]
    found = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.E001"]
    assert [message.msg for message in found] == [f"The pages of phonebind need {name!r} in MIDDLEWARE."]


def test_a_function_is_a_middleware_too(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.views.decorators.common.no_append_slash"]
    assert check_middleware() == []


@pytest.mark.parametrize("router", ["PrimaryReplicaRouter", "SilentRouter"])
def test_w001_the_sessions_user_is_read_from_a_replica(settings: Settings, router: str) -> None:
    settings.DATABASE_ROUTERS = [f"tests.support.replicas.{router}"]
    [warning] = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.W001"]
    assert "phonebind.databases.PrimaryRouter" in str(warning)
    settings.DATABASE_ROUTERS = ["phonebind.databases.PrimaryRouter", *settings.DATABASE_ROUTERS]
    assert check_replicas() == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("word", "ours", "pages", "warned"),
    [
        ("session", "", "", True),
        ("session", "shop/", "shop/", True),
        ("session", "", "pages/", False),
        ("session", "api/", "", False),
        ("session", "api/", None, False),
        ("tutorial", "", "", False),
    ],
)
def test_w002_the_session_edition_signs_in_at_the_address_of_our_page(
    front_end: Start, settings: Settings, word: str, ours: str, pages: str | None, warned: bool
) -> None:
    front_end(word)
    urls = ModuleType("urls")
    urls.__dict__["urlpatterns"] = [path(ours, include("phonebind.api.urls"))]
    if pages is not None:
        urls.__dict__["urlpatterns"].append(path(pages, include("phonebind.pages.urls")))
    settings.ROOT_URLCONF = urls
    told = [message.id for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.W002"]
    assert told == ["phonebind_pages.W002"] * warned
    if warned:
        assert Client().get(f"/{ours}login/").status_code == 405, "which is why"


@pytest.mark.parametrize(
    ("setting", "value", "warned"),
    [
        ("help_url", "javascript:alert(1)", True),
        ("return_url", " Data:text/html,x", True),
        ("help_url", "mailto:help@shop.example", False),
        ("return_url", "https://shop.example/", False),
        ("logo_url", "https://cdn.example *;/x", True),
        ("style_url", "//[broken/x", True),
        ("style_url", "http://cdn.example/x", True),
        ("logo_url", "HTTPS://cdn.example/x", False),
        ("logo_url", "//cdn.example/x", False),
        ("style_url", "/media//x", False),
        ("style_url", "phonebind/icon.svg", False),
    ],
)
def test_w004_an_address_that_no_browser_uses(
    phonebind: Configure, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, warned: bool
) -> None:
    given: dict[str, Any] = {setting: value}
    phonebind(**given)
    monkeypatch.setattr(look, "development", lambda: False)
    found = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.W004"]
    said = f"PHONEBIND[{setting.upper()!r}] is {value!r}. No browser can use it on our pages."
    assert [message.msg for message in found] == [said] * warned


def test_w004_plain_http_is_for_the_laptop(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    phonebind(style_url="http://127.0.0.1:9000/x")
    monkeypatch.setattr(look, "development", lambda: True)
    assert look.check_addresses() == []


@pytest.mark.parametrize("setting", ["logo_url", "style_url"])
@pytest.mark.parametrize(
    ("value", "warned"),
    [("shop/nowhere.x", True), ("phonebind/icon.svg", False), ("/x.svg", False), ("https://a.example/x", False)],
)
def test_w003_a_static_file_that_is_not_there(phonebind: Configure, setting: str, value: str, warned: bool) -> None:
    given: dict[str, Any] = {setting: value}
    phonebind(**given)
    found = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.W003"]
    name = setting.upper()
    said = f"PHONEBIND['{name}'] is 'shop/nowhere.x', but there is no static file with that name."
    assert [message.msg for message in found] == [said] * warned


def test_w003_says_nothing_of_what_it_cannot_know(phonebind: Configure, settings: Settings) -> None:
    phonebind(logo_url="shop/nowhere.x")
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "django.contrib.staticfiles"]
    assert look.check() == []


def test_w003_and_w004_leave_wrong_settings_to_e001(settings: Settings) -> None:
    settings.PHONEBIND = {"LOGO": "shop/nowhere.x"}
    assert look.check() == look.check_addresses() == []
