"""``examples/new_shop``: a visitor fills a cart, signs in, and finds it in the account."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.journeys.conftest import Person, phone_at
from tests.journeys.examples import running
from tests.support.visitor import Visitor

pytestmark = pytest.mark.once

MOBILE = "13900000001"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("new_shop", tmp_path_factory.mktemp("new_shop")) as url:
        yield url


@pytest.fixture
def phone(browser: Browser, shop: str, complaints: list[str]) -> Iterator[BrowserContext]:
    with phone_at(shop, browser, complaints) as context:
        yield context


def add(page: Page, product: str) -> None:
    page.goto("/")
    page.locator("li", has_text=product).get_by_role("button").click()
    page.get_by_text(f"已加入购物车：{product}").wait_for()


def cart(page: Page) -> list[str]:
    page.goto("/cart/")
    return [" ".join(row.split()) for row in page.locator("tr:not(.total)").all_inner_texts()]


def test_the_cart_of_a_visitor_comes_along_at_every_sign_in(phone: BrowserContext, shop: str) -> None:
    page = phone.new_page()
    person = Person(page, Visitor(shop))
    add(page, "青瓷盖碗")
    add(page, "青瓷盖碗")
    person.arrive("xiaolan", next="/checkout/")
    person.get_code(MOBILE)
    person.prove()
    person.submit()
    page.wait_for_url("**/checkout/")
    page.get_by_text(f"下单人：{MOBILE}").wait_for()
    assert cart(page) == ["青瓷盖碗 × 2 ¥ 118.00"]

    page.get_by_role("button", name="退出登录").click()
    assert cart(page) == []
    add(page, "竹茶盘")
    add(page, "青瓷盖碗")
    person.arrive("xiaolan", next="/cart/")
    page.wait_for_url("**/cart/")
    assert cart(page) == ["青瓷盖碗 × 3 ¥ 177.00", "竹茶盘 × 1 ¥ 45.00"]


def test_checking_out_takes_an_account(phone: BrowserContext) -> None:
    page = phone.new_page()
    page.goto("/checkout/")
    page.wait_for_url("**/login/?next=/checkout/")


def test_it_speaks_english_too(browser: Browser, shop: str) -> None:
    with browser.new_context(base_url=shop, locale="en-GB") as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("button", name="Add to cart").first.click()
        page.get_by_text("In the cart: ").wait_for()
