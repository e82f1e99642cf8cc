"""Apple and OpenID Connect in a browser: from the button to the account, and a second sign-in."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Person

DONE = re.compile(r"/login/done/$")


@pytest.mark.parametrize("kind", ["apple", "oidc"])
def test_somebody_cancels_and_begins_anew(person: Person, kind: str) -> None:
    person.page.goto(f"/login/{kind}/?next=/login/")
    person.page.get_by_role("button", name="取消").click()
    expect(person.page.locator("main")).to_contain_text("取消")
    person.page.locator(f"main a[href*='/login/{kind}/']").click()
    expect(person.page.locator("button[value=liming]")).to_be_visible()
