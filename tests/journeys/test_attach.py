"""A signed-in person binds another QQ to the same account."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Person


def test_who_is_signed_in_is_asked_and_binds(person: Person, new_mobile: Callable[[], str]) -> None:
    page: Page = person.page
    mobile = new_mobile()
    person.arrive("xiaolan")
    person.get_code(mobile)
    person.submit()
    page.wait_for_url("**/login/done/")
    person.arrive("liming")
    assert "/attach/" in page.url
    assert person.heading == "将QQ绑定到您的账号"
    expect(page.get_by_text(f"{mobile[:3]}****{mobile[-4:]}")).to_be_visible()
    page.get_by_role("button", name="绑定", exact=True).click()
    page.wait_for_url("**/login/done/")
    expect(page.get_by_text("小兰")).to_be_visible()
    expect(page.get_by_text("李明")).to_be_visible()
