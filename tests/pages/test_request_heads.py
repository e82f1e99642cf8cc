"""Every request of a sign-in fits where web servers have room for 4,096 bytes, with the longest ``next`` there is.

uWSGI as it comes is the narrowest. What it has to hold are CGI's variables, in which the query stands twice.
"""

from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.pages.conftest import SecureClient, Shopper
from tests.support.edge import Configure, Upstream
from tests.support.heads import BROWSER, LONGEST, as_cgi

pytestmark = pytest.mark.django_db

ROOM = 4096
#: For the cookies of the shop and of whoever counts its visitors, and for what proxies write.
LEFT = 512


class Weighed(Shopper):
    """Weighs each request as a browser would send it."""

    def __init__(self) -> None:
        super().__init__(SecureClient)
        self.came_from = ""

    def head(self, url: str, method: str = "GET") -> int:
        """Bytes, for a request to this address by somebody who is at ``came_from``."""
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.http.cookies.items() if morsel.value)
        more = {"Referer": f"https://shop.example{self.came_from}"} if self.came_from else {}
        return sum(len(name) + len(value) + 4 for name, value in as_cgi(method, url, cookies, **more).items())


@pytest.mark.parametrize("target", LONGEST)
def test_the_head_of_each_request_of_a_sign_in(qq: Upstream, phonebind: Configure, target: str) -> None:
    qq.person(nickname="🦊" * 32)
    shopper, query = Weighed(), urlencode({"next": target})
    heads = {
        "authorization": shopper.head(f"/oauth/qq/authorization/?{query}"),
        "sign-in page": shopper.head(f"/login/?{query}"),
    }
    shopper.came_from = f"/login/?{query}"
    heads["start"] = shopper.head(f"/login/qq/?{query}")
    state = shopper.start(next=target)["state"]
    shopper.came_from = ""
    back = urlencode({"code": "C" * 32, "state": state})
    heads["callback"] = shopper.head(f"/login/qq/callback/?{back}")
    heads["callback of the API"] = shopper.head(f"/oauth/qq/user/?{back}")
    form = shopper.come_back(state)["Location"]
    heads["form"] = shopper.head(form)
    shopper.came_from = form
    heads["bind"] = shopper.head(form, "POST")
    heads["image"] = shopper.head(f"/login/images/{'0' * 36}/")
    assert max(heads.values()) < ROOM - LEFT, heads


def test_the_longest_are_as_long_as_may_be(shopper: Shopper) -> None:
    for target in LONGEST:
        assert shopper.http.get("/login/", {"next": target}).status_code == 200
        assert shopper.http.get("/login/", {"next": target + "商"}).status_code == 400
    assert BROWSER["User-Agent"]
    assert {urlsplit(quote(target)).path[0] for target in LONGEST} == {"/"}
