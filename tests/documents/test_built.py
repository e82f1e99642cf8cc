"""The built site: both languages, search, old addresses, and nothing from another host."""

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page

import phonebind
from docs.site.around import moved
from tests.support import browser as browsers
from tests.support.documents import LANGUAGES, PAGES
from tests.support.services import REQUIRE_ALL

VERSION = phonebind.__version__


def test_every_page_is_on_the_site_in_both_languages(site: Path) -> None:
    for language in LANGUAGES:
        for name in PAGES:
            folder = site / language / VERSION / name.removesuffix("index")
            assert (folder / "index.html").exists(), folder


def test_it_loads_nothing_from_other_hosts(site: Path) -> None:
    script = r"<(?:script|img|iframe)[^>]* src=\"?((?:https?:)?//[^\"> ]+)"
    style = r"<link[^>]* rel=\"?(?:stylesheet|preconnect|icon)[^>]*href=\"?(https?://[^\"> ]+)"
    for file in site.rglob("*.html"):
        assert re.findall(f"{script}|{style}", file.read_text()) == [], file


def test_every_picture_is_there(site: Path) -> None:
    for language in LANGUAGES:
        assert f"images/bind.{language}.png" in (site / language / VERSION / "index.html").read_text()
    for file in site.glob("*/*/**/index.html"):
        for source in re.findall(r"<img[^>]* src=\"?([^\"> ]+)", file.read_text()):
            assert source.startswith("data:") or (file.parent / source).resolve().is_file(), f"{file}: {source}"


def test_old_addresses_lead_on(site: Path) -> None:
    for old in moved():
        [target] = re.findall(r"url=([^\"]+)\"", (site / old / "index.html").read_text())
        assert (site / old / target / "index.html").exists(), old


def test_the_version_switch_knows_all_versions(site: Path) -> None:
    for language in LANGUAGES:
        versions = json.loads((site / language / "versions.json").read_text())
        assert [each["version"] for each in versions] == [VERSION]


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    if not browsers.CHROMIUM:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("Chromium is not installed (Debian: chromium)")
    with browsers.chromium() as chromium:
        yield chromium.new_page(viewport={"width": 390, "height": 844})


@pytest.mark.parametrize(
    ("language", "query", "name"),
    [
        ("zh", "图形验证码", "human-checks"),
        ("zh", "短信轰炸", "sms-pumping"),
        ("zh", "TRUSTED_PROXIES", "settings"),
        ("en", "human check", "human-checks"),
        ("en", "image code", "image-codes"),
        ("en", "SMS pumping", "sms-pumping"),
    ],
)
def test_the_search_finds_it(page: Page, address: str, language: str, query: str, name: str) -> None:
    page.goto(f"{address}/{language}/{VERSION}/")
    page.locator("label[for=__search]").first.click()
    # "Type to start searching": the index is ready.
    page.wait_for_function("() => /键入|Type/.test(document.querySelector('.md-search-result__meta').textContent)")
    page.locator(".md-search__input").fill(query)
    page.locator(".md-search__input").press("End")  # it searches when a key is released
    page.wait_for_selector(f".md-search-result__link[href*='/{name}/']")


def test_the_language_switch_stays_on_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}/")
    page.wait_for_url(f"**/zh/{VERSION}/")
    page.goto(f"{address}/zh/{VERSION}/reference/errors/")
    there = page.locator("a[hreflang=en]").first.get_attribute("href")
    assert there
    page.goto(page.evaluate("link => new URL(link, document.baseURI).href", there))
    assert page.url == f"{address}/en/{VERSION}/reference/errors/"
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_wider_than_a_phone(page: Page, address: str, language: str) -> None:
    # It would read the index on each page: that is half of the time.
    page.route("**/workers/search*", lambda route: route.abort())
    for name in PAGES:
        page.goto(f"{address}/{language}/{VERSION}/{name.removesuffix('index')}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
