"""Every request of a sign-in fits in web servers that have room for 4,096 bytes, with the longest possible ``next``.

uWSGI with its default settings has the least room. It stores CGI's variables, and these contain the query twice.
"""

from collections.abc import Iterator
from urllib.parse import quote, urlencode, urlsplit

import pytest

from phonebind import signals, tickets
from tests.pages.conftest import SecureClient, Shopper
from tests.support.edge import Upstream
from tests.support.heads import BROWSER, LONGEST, as_cgi

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ROOM = 4096
#: For the cookies of the shop and of services that count visitors, and for headers that proxies add.
LEFT = 512
KINDS = ("letters", "chinese", "escaped")


class Weighed(Shopper):
    """Measures each request as a browser would send it."""

    def __init__(self) -> None:
        super().__init__(SecureClient)
        self.came_from = ""
        self.heads: dict[str, int] = {}

    def weigh(self, what: str, url: str, method: str = "GET") -> None:
        """The bytes of a request to this address from the page ``came_from``."""
        for name in [name for name, morsel in self.http.cookies.items() if not morsel.value]:
            del self.http.cookies[name]  # as a browser does
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.http.cookies.items())
        more = {"Referer": f"https://shop.example{self.came_from}"} if self.came_from else {}
        head = as_cgi(method, url, cookies, **more)
        self.heads[what] = sum(len(name) + len(value.encode()) + 4 for name, value in head.items())

    def go(self, target: str, *, button: bool = False) -> str:
        """From the shop to the form, by the sign-in page or by a button of the shop's own. Returns the
        form's address.
        """
        query = urlencode({"next": target})
        self.came_from = ""
        self.weigh("authorization", f"/oauth/qq/authorization/?{query}")
        self.weigh("sign-in page", f"/login/?{query}")
        self.came_from = "/"
        if not button:
            assert self.http.get("/login/", {"next": target}).status_code == 200
            self.came_from = f"/login/?{query}"
        self.weigh("start", f"/login/qq/?{query}")
        state = self.start(next=target)["state"]
        self.came_from = ""
        back = urlencode({"code": "C" * 32, "state": state})
        self.weigh("callback", f"/login/qq/callback/?{back}")
        self.weigh("callback of the API", f"/oauth/qq/user/?{back}")
        form = str(self.come_back(state)["Location"])
        self.weigh("form", form)
        self.came_from = form
        self.weigh("bind", form, "POST")
        self.weigh("image", f"/login/images/{'0' * 36}/")
        return form

    def bind(self, form: str, *, script: bool = False) -> None:
        """Bind, and go to the page that follows the form."""
        typed = self.form(form) | {"mobile": "13900000001"}
        assert self.send_code(form, typed).status_code == 200
        filled = typed | {"password": "horse-staple-9", "sms_code": self.sms_code()}
        answer = self.submit(form, filled, script=script)
        self.weigh("landing", quote(answer.json()["location"] if script else answer["Location"], safe="/%"))


@pytest.fixture
def weighed(qq: Upstream) -> Iterator[Weighed]:
    qq.person(nickname="🦊" * 32)
    new = Weighed()
    signals.image_code_issued.connect(new.see_image)
    yield new
    signals.image_code_issued.disconnect(new.see_image)


@pytest.mark.parametrize("script", [False, True], ids=["form", "script"])
@pytest.mark.parametrize("target", LONGEST, ids=KINDS)
def test_the_head_of_each_request_of_a_sign_in(weighed: Weighed, target: str, script: bool) -> None:
    weighed.bind(weighed.go(target), script=script)
    assert max(weighed.heads.values()) < ROOM - LEFT, weighed.heads


@pytest.mark.parametrize("target", LONGEST, ids=KINDS)
def test_the_next_sign_in_of_who_is_bound(weighed: Weighed, qq: Upstream, target: str) -> None:
    """With another QQ that is bound to the same account."""
    weighed.bind(weighed.go(target))
    qq.person(openid="B" * 32, nickname="🦊" * 32)
    form = weighed.go(target)
    assert "/attach/" in form
    answer = weighed.submit(form, weighed.form(form))
    weighed.weigh("landing", quote(answer["Location"], safe="/%"))
    # Django's session is one of the shop's cookies.
    assert max(weighed.heads.values()) < ROOM - LEFT // 2, weighed.heads


@pytest.mark.parametrize("button", [False, True], ids=["page", "button"])
@pytest.mark.parametrize("target", LONGEST, ids=KINDS)
def test_sign_ins_that_were_left_at_the_form(weighed: Weighed, target: str, button: bool) -> None:
    """Back to the shop, and to the form again. This uses most of the room for other cookies, and it still fits."""
    for _ in range(4):
        form = weighed.go(target, button=button)
        assert weighed.form(form)
        assert max(weighed.heads.values()) < ROOM, weighed.heads
    weighed.bind(form)
    assert max(weighed.heads.values()) < ROOM, weighed.heads


def test_with_an_ordinary_next_each_tab_survives_a_reload(weighed: Weighed) -> None:
    forms = [weighed.go(f"/goods/{number}.html?from=search") for number in range(tickets.MAX_KEPT)]
    assert len({weighed.form(form)["access_token"] for form in forms}) == tickets.MAX_KEPT
    assert max(weighed.heads.values()) < ROOM - LEFT, weighed.heads


def test_a_form_whose_ticket_had_to_go_still_binds(weighed: Weighed) -> None:
    """Only a reload of the page does not work any more."""
    first = weighed.go(LONGEST[0])
    typed = weighed.form(first) | {"mobile": "13900000001"}
    weighed.go(LONGEST[0])
    assert weighed.http.get(first).status_code == 400
    assert weighed.send_code(first, typed).status_code == 200
    filled = typed | {"password": "horse-staple-9", "sms_code": weighed.sms_code()}
    assert weighed.submit(first, filled)["Location"] == LONGEST[0]


def test_threat_42_a_page_of_another_site_drops_no_ticket(weighed: Weighed) -> None:
    form = weighed.go("/cart.html")
    for path in ("/login/", "/login/qq/"):
        weighed.http.get(path, {"next": LONGEST[2]}, headers={"sec-fetch-site": "cross-site"})
    assert weighed.form(form)["access_token"]


def test_the_longest_are_as_long_as_may_be(shopper: Shopper) -> None:
    for target in LONGEST:
        assert shopper.http.get("/login/", {"next": target}).status_code == 200
        assert shopper.http.get("/login/", {"next": target + "商"}).status_code == 400
    assert BROWSER["User-Agent"]
    assert {urlsplit(quote(target)).path[0] for target in LONGEST} == {"/"}
