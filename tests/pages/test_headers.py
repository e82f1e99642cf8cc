"""What every page says about itself, and that its own markup keeps to it."""

import re
from pathlib import Path

import pytest
from pytest_django import Settings

import phonebind.pages
from tests.pages.conftest import Shopper
from tests.support.edge import Configure

pytestmark = pytest.mark.django_db

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


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_threat_21_nothing_is_inline(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
