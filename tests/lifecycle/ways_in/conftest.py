"""A browser without scripts, at the pages to sign in without a provider."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from phonebind.lifecycle import proofs
from tests.lifecycle.conftest import MOBILE
from tests.pages.conftest import Shopper, busy, phonebind, qq, shopper, upstream

__all__ = ["busy", "phonebind", "qq", "shopper", "upstream"]

#: Where no human check is asked for, a host must set its own limits.
BOUNDS = dict.fromkeys(("sms_address_hour", "sms_site_hour", "sms_site_day"), (1000, 3600))
MOBILES = ("sms_mobile_gap", "sms_mobile_open_hour", "sms_mobile_open_day", "sms_mobile_hour", "sms_mobile_day")
GENEROUS = BOUNDS | dict.fromkeys((*MOBILES, "reset_mobile_day"), (1000, 3600))


class Visitor(Shopper):
    """A visitor at a page whose form asks for codes."""

    def at(self, url: str, **more: str) -> "Form":
        return Form(self, url, self.form(url) | more)


class Form:
    def __init__(self, visitor: Visitor, url: str, values: dict[str, str]) -> None:
        self.visitor, self.url, self.values = visitor, url, values

    def ask(self, **more: str) -> Any:
        return self.visitor.submit(self.url, self.values | {"action": "send_code"} | more)

    def code(self, **more: str) -> str:
        """The code that comes with the SMS."""
        answer = self.ask(**more)
        assert answer.status_code == 200, answer.content.decode()
        return self.visitor.sms_code()

    def send(self, *, script: bool = False, **more: str) -> Any:
        return self.visitor.submit(self.url, self.values | more, script=script)


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def owner(person: Any) -> Any:
    """The person who has the number, and has proved it lately."""
    proofs.record(person, MOBILE, "sms")
    return person


@pytest.fixture
def who() -> Callable[[Client], Any]:
    """The user who is signed in, as the next page says; None if no user is."""

    def read(http: Client) -> Any:
        answer = http.get("/login/done/")
        return answer.context["mobile"] if answer.status_code == 200 else None

    return read
