"""Every request of these pages fits in web servers that have room for 4,096 bytes, with the longest
possible ``next``.
"""

from urllib.parse import urlencode

import pytest

from tests.lifecycle.conftest import MOBILE
from tests.lifecycle.ways_in.conftest import GENEROUS
from tests.pages.test_request_heads import KINDS, LEFT, ROOM, Weighed, weighed
from tests.support.edge import Configure, Outbox
from tests.support.heads import LONGEST

__all__ = ["weighed"]

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "another-horse-9"


@pytest.fixture(autouse=True)
def _open(phonebind: Configure) -> None:
    phonebind(sms_sign_in=True, human_check="none", limits=GENEROUS)


def visit(weighed: Weighed, url: str) -> None:
    """Come to the page from another of these pages, and send its form."""
    assert weighed.http.get(url).status_code == 200
    weighed.weigh(url[:20], url)
    weighed.came_from = url
    weighed.weigh(f"form of {url[:20]}", url, "POST")


@pytest.mark.parametrize("target", LONGEST, ids=KINDS)
def test_from_page_to_page_with_forms_left_open(weighed: Weighed, target: str) -> None:
    for _ in range(4):
        weighed.go(target)
    query = urlencode({"next": target})
    weighed.came_from = "/"
    for path in ("sms", "password", "reset"):
        visit(weighed, f"/login/by/{path}/?{query}")
    assert max(weighed.heads.values()) < ROOM, weighed.heads


def test_threat_42_a_page_of_another_site_drops_no_ticket(weighed: Weighed) -> None:
    form = weighed.go("/cart.html")
    for path in ("sms", "password", "reset"):
        weighed.http.get(f"/login/by/{path}/", {"next": LONGEST[2]}, headers={"sec-fetch-site": "cross-site"})
    assert weighed.form(form)["access_token"]


@pytest.mark.parametrize("target", LONGEST, ids=KINDS)
def test_back_to_the_form_with_the_mobile_proved(weighed: Weighed, owner: object, target: str) -> None:
    form = weighed.go(target)
    url = f"/login/by/reset/?provider=qq&flow={form.split('/')[4]}"
    visit(weighed, url)
    typed = weighed.form(url) | {"mobile": MOBILE}
    weighed.submit(url, typed | {"action": "send_code"})
    code = weighed.sms_code()
    assert weighed.submit(url, typed | {"sms_code": code, "password": NEW})["Location"] == form
    visit(weighed, form)
    bound = weighed.submit(form, weighed.form(form) | {"action": "bind", "password": NEW})
    assert bound.status_code == 303
    assert len(Outbox.sent) == 1
    assert max(weighed.heads.values()) < ROOM - LEFT, weighed.heads
