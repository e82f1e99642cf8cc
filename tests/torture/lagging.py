"""People and operators while a replica is seconds behind: every answer is as if there were no replica."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import psycopg
import pymysql
import pytest
import redis

from tests.support.clusters import until
from tests.support.visitor import Visitor
from tests.torture import lives
from tests.torture.crowd import LIMITS, MANY, Site
from tests.torture.outside import Outside
from tests.torture.people import PASSWORD, Person, Reply, at_once
from tests.torture.report import Note
from tests.torture.serving import serving

#: Seconds.
DELAY = 5
PEOPLE = 20
SETTINGS = {
    "SMS_SIGN_IN": True,
    "SMS_SIGN_UP": True,
    "LIMITS": LIMITS
    | dict.fromkeys(("reset_mobile_day", "verify_user_hour", "sms_code_identity_hour", "sms_code_address_hour"), MANY),
}
OURS = "phonebind.databases.PrimaryRouter"
ADMIN = "/admin/phonebind_operations/securityevent/"


class Server(Protocol):
    """One of the two database servers."""

    @property
    def url(self) -> str: ...

    @property
    def name(self) -> str: ...

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]: ...


@contextmanager
def site(outside: Outside, primary: Server, replica: Server, *routers: str) -> Iterator[Site]:
    """A site with all apps, with these routers before Django's documented one. It starts when the replica has the
    tables.
    """
    environ = {"DATABASE_URL": primary.url, "TORTURE_REPLICA": replica.url, "TORTURE_DB": primary.name}
    environ |= {"DJANGO_SETTINGS_MODULE": "tests.torture.replica_settings", "TORTURE_ROUTERS": json.dumps(routers)}
    environ |= {"LIFECYCLE": "1", "OPERATIONS": "1"}
    with serving(outside, SETTINGS, **environ) as (port, pid), redis.Redis.from_url(os.environ["REDIS_URL"]) as valkey:
        made = Site(port, outside, valkey, pid)
        made.processes()
        until(partial(_has_tables, replica), "the replica has the tables")
        yield made


class Lagging:
    """The tests. ``site``, ``primary``, ``replica`` and ``note`` are fixtures of the subclass's module."""

    @pytest.fixture(autouse=True)
    def _nobody_met_a_500(self, site: Site) -> Iterator[None]:
        site.outcomes.clear()
        yield
        assert not [name for name in site.outcomes if name.startswith("500")], site.outcomes

    def test_the_replica_lags(self, site: Site, primary: Server, replica: Server, note: Note) -> None:
        person = _person(site)
        begun = time.monotonic()
        assert person.arrive_and_bind().status == 201
        assert _knows(primary, person)
        assert not _knows(replica, person)
        while not _knows(replica, person):
            time.sleep(0.1)
            assert time.monotonic() < begun + 60
        seconds = time.monotonic() - begun
        assert seconds > DELAY
        note("a replica that lags", a_bind_is_seen_there_after=f"{seconds:.1f} s")

    def test_a_double_click(self, site: Site, primary: Server, note: Note) -> None:
        """One form is sent four times at once: one account, and four times the same answer."""
        answers: Counter[str] = Counter()
        for _ in range(PEOPLE):
            person = _person(site)
            ticket = person.ticket()
            code = person.sms_code(ticket)
            replies = at_once([partial(person.persist, partial(person.bind, ticket, code))] * 4)
            answers += Counter(reply.outcome for reply in replies)
            assert len({reply.data["id"] for reply in replies}) == 1
            assert len(_rows(primary, person)) == 1
        assert answers == {"201": 4 * PEOPLE}
        note(f"replica {DELAY} s behind: one form four times at once", people=PEOPLE, answers="all 201")

    def test_all_that_follows_a_bind(self, site: Site, primary: Server, note: Note) -> None:
        with ThreadPoolExecutor(4) as threads:
            people = list(threads.map(lambda _: _follow(_person(site), primary), range(PEOPLE)))
        assert people == [True] * PEOPLE
        note(
            f"replica {DELAY} s behind: right after a bind the sign-in, refresh, password and unbinding; "
            "and the account disabled",
            people=PEOPLE,
            answered_as_without_a_replica=PEOPLE,
        )

    def test_whole_lives(self, site: Site, primary: Server, note: Note) -> None:
        people = [_person(site) for _ in range(PEOPLE)]
        with ThreadPoolExecutor(4) as threads:
            ended = list(threads.map(lives.live, people))
        assert [reply.status for reply in ended] == [200] * PEOPLE
        for person in people:  # each has changed their mobile
            assert primary.ask("SELECT count(*) FROM users_user WHERE mobile = %s", person.mobile)[0][0] == 1
        note(f"replica {DELAY} s behind: lives of accounts (phonebind.lifecycle)", people=PEOPLE, lived=PEOPLE)

    def test_an_operator(self, site: Site, primary: Server, note: Note) -> None:
        """An operator signs in to the admin, sees what a person did a second ago, and ends that person's sessions."""
        person, browser = _person(site), _operator(site, primary)
        bound = person.arrive_and_bind()
        page = browser.get(ADMIN, q=person.mobile)
        assert (page.status, b"bound" in page.body) == (200, True)
        path = f"{ADMIN}people/{bound.data['id']}/"
        assert browser.get(path).status == 200
        assert _submit(browser, f"{path}end-sessions/", reason="a lost phone").status == 302
        refused = person.request("POST", "/authorizations/refresh/", {"refresh": bound.data["refresh"]})
        assert refused.status == 401
        assert b"a lost phone" in browser.get(path).body
        note(f"replica {DELAY} s behind: an operator sees a bind and ends its sessions", as_without=1)

    def test_without_our_router(self, neighbours: Outside, primary: Server, replica: Server, note: Note) -> None:
        """The API gives the same answers. What Django itself reads is stale: this shows that reads do go to the
        replica.
        """
        with site(neighbours, primary, replica) as bare:
            assert all(_follow(_person(bare), primary) for _ in range(PEOPLE // 4))
            browser = _operator(bare, primary)
            assert browser.get(ADMIN).status == 302, "the replica knows neither them nor their session"
            assert not [name for name in bare.outcomes if name.startswith("500")], bare.outcomes
        what = f"replica {DELAY} s behind, Django's router alone"
        note(what, people=PEOPLE // 4, API="as without a replica", admin="lets nobody in yet")


_made = iter(range(10**6))


def _person(site: Site) -> Person:
    number = next(_made)
    return Person(site, f"{number:032X}", f"139{number:08}")


def _operator(site: Site, primary: Server) -> Visitor:
    """A person who was bound a moment ago, and who signs in to the admin if it lets them in."""
    operator, browser = _person(site), Visitor(f"http://127.0.0.1:{site.port}")
    assert operator.arrive_and_bind().status == 201
    primary.ask("UPDATE users_user SET is_staff = true, is_superuser = true WHERE mobile = %s", operator.mobile)
    browser.get("/admin/login/")
    _submit(browser, "/admin/login/", username=operator.mobile, password=PASSWORD)
    return browser


def _rows(server: Server, person: Person) -> list[tuple[Any, ...]]:
    return server.ask("SELECT id FROM phonebind_socialaccount WHERE openid = %s", person.openid)


def _has_tables(server: Server) -> bool:
    try:
        server.ask("SELECT 1 FROM phonebind_operations_securityevent")
    except (psycopg.errors.UndefinedTable, pymysql.MySQLError):
        return False
    return True


def _knows(server: Server, person: Person) -> bool:
    return bool(_rows(server, person))


def _refresh(person: Person, token: str) -> Reply:
    return person.persist(partial(person.request, "POST", "/authorizations/refresh/", {"refresh": token}))


def _follow(person: Person, primary: Server) -> bool:
    """Whether each request is refused or accepted according to the primary's data."""
    bound = person.arrive_and_bind()
    assert bound.status == 201, bound
    again = person.persist(lambda: person.call_back(person.persist(person.authorize).data["login_url"]))
    assert again.data["id"] == bound.data["id"], again
    fresh = _refresh(person, again.data["refresh"])
    assert fresh.status == 200, fresh
    by_password = partial(person.request, "POST", "/authorizations/", {"username": person.mobile, "password": PASSWORD})
    entered = person.persist(by_password)
    assert entered.data["id"] == bound.data["id"], entered
    [(row,)] = _rows(primary, person)
    path = f"/account/identities/{row}/"
    gone = person.persist(partial(person.request, "DELETE", path, token=entered.data["token"]))
    assert gone.status == 204, gone
    unknown = person.persist(lambda: person.call_back(person.persist(person.authorize).data["login_url"]))
    assert "access_token" in unknown.data, unknown
    primary.ask("UPDATE users_user SET is_active = false WHERE mobile = %s", person.mobile)
    refused = [person.persist(by_password), _refresh(person, entered.data["refresh"])]
    assert {reply.status for reply in refused} <= {401, 403}, refused
    return True


def _submit(browser: Visitor, path: str, **fields: str) -> Any:
    """Submit a form of the admin."""
    token = next(cookie.value for cookie in browser.cookies if cookie.name == "csrftoken")
    return browser.submit(path, csrfmiddlewaretoken=str(token), **fields)
