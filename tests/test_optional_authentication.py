"""What old pages send: ``JWT`` tokens that live for a day, and at public endpoints any token that they once stored."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework_simplejwt import authentication
from rest_framework_simplejwt.tokens import AccessToken

from phonebind import tokens
from server.processes import Valkey
from server.users.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: The settings that the guide gives.
SETTINGS: dict[str, Any] = {"AUTH_HEADER_TYPES": ("JWT", "Bearer"), "ACCESS_TOKEN_LIFETIME": timedelta(days=1)}
#: Such tokens are in the storage of a shop's users. The tutorial's library made them, and knew no token types.
OF_OLD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxfQ.9x0Jz3m3m8gk2s4b8mO8q0o9n1pG6hQJ0Q3m2c1d0eA"
WORTHLESS = ["JWT undefined", "JWT null", "JWT ", "JWT", "JWT a b", f"JWT {OF_OLD}", f"Bearer {OF_OLD}", "JWT \xe9"]


class Cart(APIView):
    """A view that visitors may use too."""

    authentication_classes: Any = (tokens.OptionalAuthentication,)

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk})


class Orders(Cart):
    permission_classes = (IsAuthenticated,)


class Strict(Cart):
    authentication_classes = (tokens.Authentication,)


@pytest.fixture(autouse=True)
def _as_the_guide_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads its settings once, when it is imported."""
    words = SETTINGS["AUTH_HEADER_TYPES"]
    monkeypatch.setattr(authentication, "AUTH_HEADER_TYPES", words)
    monkeypatch.setattr(authentication, "AUTH_HEADER_TYPE_BYTES", {word.encode() for word in words})
    monkeypatch.setattr(AccessToken, "lifetime", SETTINGS["ACCESS_TOKEN_LIFETIME"])


@pytest.fixture
def user() -> User:
    return User.objects.create(username="li", mobile="13900000001")


def ask(view: type[APIView], header: str = "") -> Any:
    headers: Any = {"Authorization": header} if header else {}
    return view.as_view()(APIRequestFactory().get("/cart/", headers=headers))


@pytest.mark.parametrize("word", ["JWT", "Bearer"])
@pytest.mark.parametrize("view", [Cart, Orders, Strict])
def test_a_token_is_known_by_either_word(user: User, word: str, view: type[APIView]) -> None:
    answer = ask(view, f"{word} {tokens.issue(user)['token']}")
    assert (answer.status_code, answer.data) == (200, {"user": user.pk})


def test_it_lives_a_day(user: User) -> None:
    header = f"JWT {tokens.issue(user)['token']}"
    with time_machine.travel(timedelta(hours=23)):
        assert ask(Orders, header).status_code == 200
    with time_machine.travel(timedelta(hours=25)):
        assert ask(Orders, header).status_code == 401
        assert ask(Cart, header).data == {"user": None}


@pytest.mark.parametrize("header", ["", *WORTHLESS])
def test_what_is_no_good_is_as_none_where_visitors_are_served(header: str) -> None:
    answer = ask(Cart, header)
    assert (answer.status_code, answer.data) == (200, {"user": None})


@pytest.mark.parametrize("header", ["", *WORTHLESS])
def test_threat_7_where_somebody_must_be_signed_in_it_is_a_401(header: str) -> None:
    answer = ask(Orders, header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("JWT")


@pytest.mark.parametrize("header", ["JWT undefined", f"JWT {OF_OLD}"])
def test_without_it_public_endpoints_refuse(header: str) -> None:
    assert ask(Strict, header).status_code == 401


def test_threat_7_who_is_disabled_or_was_ended_is_nobody(user: User) -> None:
    header = f"JWT {tokens.issue(user)['token']}"
    user.is_active = False
    user.save()
    assert ask(Cart, header).data == {"user": None}
    assert ask(Orders, header).status_code == 401
    user.is_active = True
    user.save()
    assert ask(Cart, header).data == {"user": None}, "its tokens were ended"


def test_without_the_store_nobody_is_taken_for_a_visitor(user: User, valkey: Valkey) -> None:
    """If the user were treated as a visitor, their cart would look empty, and what they put into it would be lost."""
    header = f"JWT {tokens.issue(user)['token']}"
    valkey.stop()
    assert ask(Cart, header).status_code == 503
    assert ask(Cart, "JWT undefined").status_code == 200
