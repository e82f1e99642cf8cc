"""Tencent's captcha, as the sandbox emulates it: the server sends a request to itself while it serves one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import PHONE, Person, listen
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor


@pytest.fixture(scope="module")
def captcha_site(data: Path) -> Iterator[str]:
    """A shop where each SMS needs Tencent's captcha."""
    redis_url = valkey_server().url.replace("db=0", "db=6")
    with serve(data / "tencent", REDIS_URL=redis_url, HUMAN_CHECK="tencent") as url:
        yield url


@pytest.fixture
def person(browser: Browser, captcha_site: str, complaints: list[str]) -> Iterator[Person]:
    """A new person, before the form."""
    with browser.new_context(base_url=captcha_site, locale="en-US", viewport=PHONE) as context:  # type: ignore[arg-type]
        listen(context, complaints)
        person = Person(context.new_page(), Visitor(captcha_site))
        person.arrive("xiaolan")
        person.wait_for_script()
        yield person


def ask(person: Person, mobile: str, button: str = "I am a person") -> None:
    person.page.locator("[name=mobile]").fill(mobile)
    person.page.locator("[data-send]").click()
    person.page.get_by_role("button", name=button).click()


def sent(person: Person, mobile: str) -> str:
    """The code, as soon as the page says that it was sent."""
    status = person.page.locator("[data-status]")
    expect(status).to_have_text(
        f"The code is on its way to {mobile[:3]} {mobile[3:7]} {mobile[7:]}. It is valid for 5 minutes."
    )
    return person.read_sms(mobile)


def test_a_person_is_bound(person: Person, new_mobile: Callable[[], str]) -> None:
    mobile = new_mobile()
    ask(person, mobile)
    person.page.locator("[name=sms_code]").fill(sent(person, mobile))
    person.submit()
    expect(person.page).to_have_url(f"{person.visitor.site}/login/done/")


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"tencent_code": 21}, "It could not be checked that you are a person."),
        ({"tencent_code": 100}, "It cannot be checked at the moment that you are a person."),
        ({"tencent_error": "AuthFailure.SecretIdNotFound"}, "It cannot be checked at the moment"),
        ({"tencent_network": "down"}, "It cannot be checked at the moment"),
    ],
    ids=str,
)
def test_whom_tencent_does_not_vouch_for_gets_no_sms_and_may_try_again(
    person: Person, new_mobile: Callable[[], str], switches: dict[str, object], message: str
) -> None:
    mobile = new_mobile()
    person.visitor.faults(**switches)
    ask(person, mobile)
    expect(person.page.get_by_text(message)).to_be_visible()
    assert person.visitor.get("/sandbox/inbox.json", mobile=mobile).data == []
    person.visitor.faults()
    ask(person, mobile)
    assert sent(person, mobile)
