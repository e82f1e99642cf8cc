"""The headers of every page, and that the pages' own markup obeys them."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse_lazy
from pytest_django import Settings

import phonebind.pages
from tests.pages.conftest import Shopper
from tests.support.edge import Configure

pytestmark = [pytest.mark.django_db, pytest.mark.once]

TEMPLATES = sorted((Path(phonebind.pages.__file__).parent / "templates").rglob("*.html"))
PAGES = (
    "/login/",
    "/login/?next=//evil.example",
    "/login/done/",
    "/login/images/00000000-0000-4000-8000-000000000000/",
    "/login/qq/",
    "/login/qq/callback/",
    "/login/qq/bind/abc/",
    "/login/nowhere/",
    "/logout/",
)


@pytest.mark.parametrize("path", PAGES)
def test_threat_21_every_answer_is_strict_and_not_kept(shopper: Shopper, path: str) -> None:
    headers = shopper.http.get(path).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "no-store" in headers["Cache-Control"]


@pytest.mark.parametrize(
    ("static_url", "source"),
    [
        ("https://cdn.example/files/", "'self' https://cdn.example"),
        ("//cdn.example/files/", "'self' https://cdn.example"),
        ("/files/", "'self'"),
    ],
)
def test_static_files_may_live_elsewhere(shopper: Shopper, settings: Settings, static_url: str, source: str) -> None:
    settings.STATIC_URL = static_url
    policy = shopper.http.get("/login/").headers["Content-Security-Policy"]
    assert f"script-src {source}; style-src {source}; img-src {source};" in policy


def test_forms_may_end_at_the_hosts_that_next_may_name(shopper: Shopper, phonebind: Configure) -> None:
    phonebind(allowed_next_hosts=("shop.example", "m.shop.example:8443"))
    policy = shopper.http.get("/login/").headers["Content-Security-Policy"]
    assert "form-action 'self' shop.example m.shop.example:8443;" in policy


@pytest.mark.parametrize(
    ("signed_in", "signed_out", "targets"),
    [
        ("https://www.shop.example/home?a=1", None, " https://www.shop.example"),
        ("/home/", "http://shop.example:8000/bye;", " http://shop.example:8000"),
        ("https://a.example/", "https://b.example/", " https://a.example https://b.example"),
        ("https://a.example/1", "https://a.example/2", " https://a.example"),
        ("//a.example/", "phonebind_pages:login", " a.example"),
        ("https://anne:secret@a.example/", "shop:home", " https://a.example"),
        ("https://商店.example:8443/首页", reverse_lazy("phonebind_pages:done"), " https://xn--czrs0t.example:8443"),
        ("app:home", "/", ""),
    ],
)
def test_forms_may_end_where_the_host_sends_people(
    shopper: Shopper, settings: Settings, signed_in: str, signed_out: Any, targets: str
) -> None:
    """Otherwise Chromium stops there: it applies the form-action of the page to the redirect after a form."""
    settings.LOGIN_REDIRECT_URL, settings.LOGOUT_REDIRECT_URL = signed_in, signed_out
    policy = shopper.http.get("/logout/").headers["Content-Security-Policy"]
    assert f"form-action 'self'{targets};" in policy


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_threat_21_nothing_is_inline(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
