"""``sign_in_response``: a host changes the response to a sign-in, on the API and the pages, in every dialect."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from phonebind import signals
from phonebind.models import SocialAccount
from server.users.models import User
from tests.pages.conftest import Shopper, shopper
from tests.support.dialects import MOBILE, PASSWORD, Start, front_end
from tests.support.edge import Person

__all__ = ["front_end", "shopper"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FRONT_ENDS = ("contract", "tutorial", "session")
Listen: TypeAlias = Callable[[Callable[..., Any]], None]
#: A cart cookie as the course writes it.
CART = "gAJ9cQAu"


@pytest.fixture
def listen() -> Iterator[Listen]:
    heard: list[Callable[..., Any]] = []

    def start(receiver: Callable[..., Any]) -> None:
        signals.sign_in_response.connect(receiver, weak=False)
        heard.append(receiver)

    yield start
    for receiver in heard:
        signals.sign_in_response.disconnect(receiver)


def merge_cart(*, request: Any, response: HttpResponseBase, **kwargs: Any) -> None:
    """A receiver that merges the cart, as the course does at each sign-in."""
    if "cart" in request.COOKIES:
        response.delete_cookie("cart")


class Way:
    """One way to sign in, through one front end."""

    def __init__(self, word: str, person: Person) -> None:
        self.http, self.person, self.session = person.http, person, word == "session"
        self.http.cookies["cart"] = CART

    def arrive(self) -> Any:
        if self.session:
            self.http.get("/qq/authorization/")
            return self.http.get("/oauth_callback/", {"code": "CODE"})
        return self.person.callback()

    def bind(self) -> Any:
        form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": self.person.sms_code(MOBILE)}
        form["access_token"] = self.arrive().json()["access_token"]
        return self.http.post("/oauth_callback/" if self.session else "/oauth/qq/user/", form, "application/json")

    def log_in(self) -> Any:
        form = {"username": MOBILE, "password": PASSWORD}
        return self.http.post("/login/" if self.session else "/authorizations/", form, "application/json")


@pytest.fixture(params=FRONT_ENDS)
def way(request: pytest.FixtureRequest, front_end: Start, person: Person) -> Way:
    front_end(request.param)
    return Way(request.param, person)


def test_it_is_sent_with_every_answer_to_a_sign_in(way: Way, listen: Listen) -> None:
    seen: list[tuple[Any, Any, Any]] = []
    listen(lambda *, user, social_account, response, **kwargs: seen.append((user, social_account, response)))
    answers = [way.bind(), way.arrive(), way.log_in()]
    user, account = User.objects.get(), SocialAccount.objects.get()
    assert [(who, how) for who, how, _ in seen] == [(user, account), (user, account), (user, None)]
    assert [response.status_code for _, _, response in seen] == [answer.status_code for answer in answers]
    way.http.post("/authorizations/", {"username": MOBILE, "password": "wrong-horse-1"})
    assert len(seen) == 3, "nobody signed in"


def test_the_cart_is_merged_and_its_cookie_goes(way: Way, listen: Listen) -> None:
    listen(merge_cart)
    for answer in (way.bind(), way.arrive(), way.log_in()):
        way.http.cookies["cart"] = CART
        assert answer.cookies["cart"]["max-age"] == 0


def test_threat_53_a_receiver_that_raises_loses_nothing(way: Way, listen: Listen) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("the shop's own")

    listen(fail)
    listen(merge_cart)
    for answer in (way.bind(), way.arrive(), way.log_in()):
        assert answer.status_code in (200, 201)
        assert answer.json()["username"] == MOBILE
        assert answer.cookies["cart"]["max-age"] == 0, "and the next one is heard"
    assert SocialAccount.objects.count() == 1


def test_threat_53_a_receiver_may_put_a_body_of_its_own_in_place(way: Way, listen: Listen) -> None:
    def replace(*, response: Any, **kwargs: Any) -> None:
        response.data = ["the shop's own"]

    listen(replace)
    for answer in (way.bind(), way.log_in()):
        assert (answer.status_code in (200, 201), answer.json()) == (True, ["the shop's own"])


def test_the_host_has_the_last_word_on_its_cookies(front_end: Start, person: Person, listen: Listen) -> None:
    front_end("session")
    listen(lambda *, response, **kwargs: response.set_cookie("username", "Li"))
    assert Way("session", person).bind().cookies["username"].value == "Li"


def test_the_pages_send_it_too(front_end: Start, shopper: Shopper, listen: Listen) -> None:
    front_end("contract", providers={"redirect_uri": "http://testserver/login/qq/callback/"})
    seen: list[Any] = []
    listen(lambda *, social_account, **kwargs: seen.append(social_account))
    listen(merge_cart)
    shopper.http.cookies["cart"] = CART
    shopper.sign_in()
    assert not shopper.http.cookies["cart"].value
    shopper.http.cookies["cart"] = CART
    answer = shopper.come_back(shopper.start()["state"])
    assert (answer.status_code, answer.cookies["cart"]["max-age"]) == (303, 0)
    assert seen == [SocialAccount.objects.get()] * 2


def test_a_stranger_is_no_sign_in(front_end: Start, listen: Listen) -> None:
    """The course's decorator had a fault: at the callback of a person who is not bound yet, it merged the cart of no
    user.
    """
    front_end("tutorial")
    seen: list[Any] = []
    listen(lambda **kwargs: seen.append(kwargs))
    assert "access_token" in Client().get("/oauth/qq/user/", {"code": "CODE"}).json()
    assert seen == []
