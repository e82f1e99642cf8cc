"""A person at the pages of their own account. Django's client is the browser."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client

from phonebind import signals
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.pages.conftest import Shopper
from tests.support.edge import OPENID, Upstream

APP = "101000001"
OTHERS_MOBILE = "13900000002"


class Owner(Shopper):
    """A person who is signed in by QQ. QQ is bound."""

    def sign_in_by_qq(self) -> None:
        answer = self.come_back(self.start()["state"])
        assert answer.status_code == 303, answer.content.decode()
        assert "/bind/" not in answer["Location"]

    def read(self, url: str = "/my/") -> str:
        answer = self.http.get(url)
        assert answer.status_code == 200, (answer.status_code, answer.headers, answer.content.decode())
        return str(answer.content.decode())

    def send(self, url: str, *, script: bool = False, page: str = "", **form: str) -> Any:
        """Send the form of ``page`` with these fields filled in."""
        return self.submit(url, self.form(page or url) | form, script=script)

    def confirm_by_sms(self, url: str) -> Any:
        form = self.form(url)
        assert form["step"] == "sms", form
        assert self.send_code(url, form).status_code == 200
        return self.submit(url, form | {"action": "sms", "sms_code": self.sms_code()})

    def confirm_by_password(self, url: str) -> Any:
        return self.send(url, page=f"{url}?by=password", action="password", password=PASSWORD)


def later(seconds: int = 601) -> Any:
    """So much later that no step-up is valid any more."""
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=False)


def bind(user: Any, openid: str = OPENID, provider: str = "qq", app_id: str = APP) -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider=provider, app_id=app_id, openid=openid, nickname="小明")


@pytest.fixture
def person(db: None) -> Any:
    """A user with a mobile, a password and a QQ."""
    model: Any = get_user_model()
    user = model.objects.create_user(username=MOBILE, mobile=MOBILE, password=PASSWORD)
    bind(user)
    return user


@pytest.fixture
def stranger(db: None) -> Any:
    model: Any = get_user_model()
    return model.objects.create_user(username=OTHERS_MOBILE, mobile=OTHERS_MOBILE, password=PASSWORD)


@pytest.fixture
def browser(qq: Upstream) -> Iterator[Callable[[], Owner]]:
    """Another browser of the person on each call."""
    open_ones: list[Owner] = []

    def start(http: type[Client] = Client) -> Owner:
        new = Owner(http)
        signals.image_code_issued.connect(new.see_image)
        open_ones.append(new)
        return new

    yield start
    for each in open_ones:
        signals.image_code_issued.disconnect(each.see_image)


@pytest.fixture
def owner(person: Any, browser: Callable[[], Owner]) -> Owner:
    one = browser()
    one.sign_in_by_qq()
    return one
