"""Threat 52: no decision depends on data of a replica. The replicas here are as far behind as possible."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.admin.sites import site as admin_site
from django.db import connection
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework_simplejwt.tokens import AccessToken

from phonebind import binding, databases, tokens
from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import OPENID, UNIONID, Configure, Person, Upstream
from tests.support.racers import together
from tests.support.replicas import REPLICAS, Replicas, replica_aliases

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the replicas are files"),
    pytest.mark.django_db(transaction=True, databases=["default", *REPLICAS]),
]

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
ROUTERS = ["PrimaryReplicaRouter", "SilentRouter"]


@pytest.fixture(scope="module", autouse=True)
def _aliases(django_db_setup: None) -> Iterator[None]:
    with replica_aliases():
        yield


@pytest.fixture(params=ROUTERS, autouse=True)
def lagging(request: pytest.FixtureRequest, transactional_db: None, tmp_path: Path, settings: Settings) -> Replicas:
    """The replicas have the tables, and no rows of users."""
    settings.DATABASE_ROUTERS = [f"tests.support.replicas.{request.param}"]
    return Replicas(tmp_path)


@pytest.fixture
def form(qq: Upstream, person: Person) -> dict[str, str]:
    ticket = person.callback().json()["access_token"]
    return {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}


@pytest.fixture
def bound(person: Person, form: dict[str, str]) -> Any:
    """The answer to the first bind."""
    answer = person.bind(**form)
    assert answer.status_code == 201, answer.content
    return answer.json()


def rows() -> tuple[int, int]:
    return (User.objects.using("default").count(), SocialAccount.objects.using("default").count())


def test_the_replicas_lag_and_take_no_writes(bound: Any, lagging: Replicas) -> None:
    assert not User.objects.exists()
    assert rows() == (1, 1)
    lagging.follow()
    assert User.objects.exists()


# ---------------------------------------------------------------- the contract


@pytest.mark.parametrize("known", [False, True])
def test_threat_52_the_first_bind_and_its_repeat(person: Person, form: dict[str, str], known: bool) -> None:
    if known:
        User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    answers = [person.bind(**form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201], [answer.json() for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert rows() == (1, 1)


def test_threat_52_who_is_bound_is_known(bound: Any, person: Person) -> None:
    assert person.callback().json()["id"] == bound["id"]


def test_threat_52_the_password_of_an_account_that_was_just_made(bound: Any, person: Person) -> None:
    answer = person.http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD})
    assert (answer.status_code, answer.json()["id"]) == (200, bound["id"])


def test_threat_52_the_tokens_of_an_account_that_was_just_made(bound: Any, person: Person) -> None:
    assert person.http.post("/authorizations/refresh/", {"refresh": bound["refresh"]}).status_code == 200
    assert tokens.Authentication().get_user(AccessToken(bound["token"])).pk == bound["id"]


def test_threat_52_a_disabled_account_stays_out(
    bound: Any, person: Person, form: dict[str, str], lagging: Replicas
) -> None:
    lagging.follow()
    User.objects.update(is_active=False)  # sends no signal, so no receiver is called
    assert User.objects.get().is_active
    answers = [
        person.http.post("/authorizations/refresh/", {"refresh": bound["refresh"]}),
        person.http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD}),
        person.bind(**form),
        person.callback(),
    ]
    assert [answer.json()["code"] for answer in answers] == ["account_disabled"] * 4


def test_threat_52_who_was_released_is_not_known(
    bound: Any, qq: Upstream, person: Person, lagging: Replicas, phonebind: Configure
) -> None:
    lagging.follow()
    binding.unbind(SocialAccount.objects.get())
    assert rows() == (1, 0)
    assert "access_token" in person.callback().json()


def test_threat_52_another_app_of_the_same_person(
    bound: Any, qq: Upstream, person: Person, lagging: Replicas, phonebind: Configure
) -> None:
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    lagging.follow()
    # The primary learns the unionid. The replicas do not get it.
    assert person.callback().json()["id"] == bound["id"]
    SocialAccount.objects.update(app_id="another")
    assert person.callback().json()["id"] == bound["id"]
    assert rows() == (1, 2)


def test_threat_52_a_released_row_takes_its_siblings_along(bound: Any, lagging: Replicas) -> None:
    lagging.follow()
    user = User.objects.using("default").get()
    SocialAccount.objects.create(user=user, provider="qq", app_id="another", openid="B")
    # The admin reads from a replica, which has only one of the two rows.
    stale = SocialAccount.objects.using("replica1").get()
    assert stale.same_person().count() == 2
    stale.delete()
    assert rows() == (1, 0)


def test_threat_52_a_race_for_one_form(person: Person, form: dict[str, str]) -> None:
    cookies = {name: morsel.value for name, morsel in person.http.cookies.items()}

    def submit() -> int:
        http = Client(raise_request_exception=False)
        for name, value in cookies.items():
            http.cookies[name] = value
        return http.post("/oauth/qq/user/", form, content_type="application/json").status_code

    assert together(submit, [()] * 4) == [201] * 4
    assert rows() == (1, 1)


def test_a_binding_is_looked_for_where_one_says(bound: Any, lagging: Replicas) -> None:
    find = SocialAccount.objects.db_manager("replica1").find
    known = {"provider": "qq", "app_id": "101000001", "openid": OPENID}
    assert find(**known) is None
    lagging.follow()
    found = find(**known)
    assert found is not None
    assert (found._state.db, found.user._state.db) == ("replica1", "replica1")


# ---------------------------------------------------------------- pages and admin


@pytest.fixture
def entered(qq: Upstream, phonebind: Configure) -> Callable[[], Any]:
    """A person binds on the page, for the first time. Returns the page that they are sent to."""

    def enter() -> Any:
        shopper = Person()
        [state] = parse_qs(urlsplit(shopper.http.get("/login/qq/")["Location"]).query)["state"]
        page = shopper.http.get("/login/qq/callback/", {"code": "CODE", "state": state})["Location"]
        ticket = shopper.http.get(page).context["access_token"]
        given = {"mobile": MOBILE, "password": PASSWORD, "sms_code": shopper.sms_code(MOBILE), "access_token": ticket}
        answer = shopper.http.post(page, given)
        assert answer.status_code == 303, answer.content.decode()
        return shopper.http.get(answer["Location"])

    return enter


def test_threat_52_the_page_binds_with_any_router(entered: Callable[[], Any]) -> None:
    entered()
    assert rows() == (1, 1)


def test_threat_52_with_our_router_the_session_is_known_at_once(entered: Callable[[], Any], settings: Settings) -> None:
    settings.DATABASE_ROUTERS = ["phonebind.databases.PrimaryRouter", *settings.DATABASE_ROUTERS]
    answer = entered()
    assert (answer.status_code, answer.context["user"].mobile) == (200, MOBILE)
    assert [row["nickname"] for row in answer.context["bound"]] == ["小明"]


def test_our_router_leaves_everything_else_to_the_hosts() -> None:
    permissions = User._meta.get_field("user_permissions").related_model
    assert databases.PrimaryRouter().db_for_read(User) == "default"
    assert databases.PrimaryRouter().db_for_read(permissions) is None


def test_threat_52_the_admin_shows_what_there_is(bound: Any) -> None:
    model_admin = admin_site.get_model_admin(SocialAccount)
    assert model_admin.get_queryset(RequestFactory().get("/")).count() == 1
