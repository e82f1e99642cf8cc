"""The charts in the admin, in a real browser: in both languages, in light and dark, on a desktop and on a phone, under
a Content-Security-Policy that a host may have.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.journeys.conftest import PASSWORD, listen
from tests.support.services import valkey_server
from tests.support.site import ROOT, serve

CHARTS = "/admin/phonebind_operations/charts/"
POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
FILL = f"""
from datetime import UTC, datetime
from django.contrib.auth import get_user_model
from phonebind.operations.reports import hours
from tests.operations.reports.days_of import fill
get_user_model().objects.create_superuser("operator", mobile="13900000007", password="{PASSWORD}")
fill("vendor_times_out", hours.begin(datetime.now(UTC)) + hours.HOUR)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("charts") / "site"
    environ = {
        "REDIS_URL": valkey_server().url.replace("db=0", "db=3"),
        "SMS_PRICES": '{"aliyun": "0.045", "tencent": "0.06"}',
        "OPERATIONS": "1",
    }
    with serve(data, **environ) as url:
        own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "LIFECYCLE"}}
        command = [sys.executable, "-m", "server.manage", "shell", "--verbosity", "0", "--command", FILL]
        subprocess.run(command, cwd=ROOT, env=own | environ | {"DEBUG": "1", "DATA_DIR": str(data)}, check=True)
        yield url


@pytest.fixture(params=["zh-CN", "en-US"])
def locale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(
    browser: Browser, shop: str, locale: str, scheme: Literal["light", "dark"], complaints: list[str]
) -> Iterator[Page]:
    options: Any = {"base_url": shop, "locale": locale, "color_scheme": scheme}
    with browser.new_context(**options) as context:
        page = context.new_page()
        page.goto(f"/admin/login/?next={CHARTS}")
        page.fill("[name=username]", "operator")
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_url(f"**{CHARTS}")

        def with_policy(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})

        context.route(f"**{CHARTS}**", with_policy)
        listen(context, complaints)
        yield page


def inspect(page: Page, picture: str) -> None:
    """Run axe. Django's own bars are left out: we do not fix them."""
    found = Axe().run(page, context={"include": [["#content-main"]]})
    assert not found.violations_count, found.generate_report()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"{picture}-{width}.png", full_page=True)


def test_an_operator_finds_out_why_sms_cost_more(page: Page, locale: str, scheme: str) -> None:
    page.goto(CHARTS)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    inspect(page, f"charts-{locale}-{scheme}")
    expect(page.locator(".findings li")).to_have_count(5)
    expect(page.locator(".chart > svg")).to_have_count(6)
    # If the policy forbade something, it would be missing: the style sheet, or the patterns of the bars' parts.
    assert page.locator(".chart .part-1").first.evaluate("e => getComputedStyle(e).fill") not in {
        "rgb(0, 0, 0)",
        "none",
    }
    highest = page.locator("#sms svg .room").nth(12)
    highest.click()
    page.wait_for_url("**/networks/**")
    expect(page.locator(".groups").first.locator("tbody tr")).to_have_count(10)
    inspect(page, f"networks-{locale}-{scheme}")
