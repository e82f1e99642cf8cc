"""The rules for every human check that a site can choose."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from pytest_django import Settings

from phonebind.exceptions import StorageUnavailable
from phonebind.human import Check
from phonebind.human.altcha import Altcha
from phonebind.human.tencent import Tencent
from server import demo
from server.processes import Valkey
from tests.sandbox import server
from tests.sandbox.test_tencent import issue
from tests.support.altcha import solve
from tests.support.racers import together

MOBILE, ADDRESS = "13900000001", "192.0.2.1"


@dataclass(frozen=True)
class Site:
    """A check, and a client that answers it as a browser does."""

    check: Check
    answer: Callable[[], str]


@pytest.fixture(params=["altcha", "tencent"])
def site(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Site]:
    if request.param == "altcha":
        altcha = Altcha(cost=1_000)
        yield Site(altcha, lambda: solve(altcha.issue(MOBILE)))
        return
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS_SLOTS": 20}
    with server.serve() as url:
        keys = {name: value for name, value in demo.TENCENT.items() if name != "check"}
        yield Site(Tencent(**keys, endpoint=f"{url}tencent/"), lambda: json.dumps(issue()))


def test_nothing_is_wrong_with_it(site: Site) -> None:
    assert site.check.check() == []
    assert site.check.name.isidentifier()
    assert isinstance(site.check.visual, bool)


def test_what_it_issues_can_be_sent(site: Site) -> None:
    assert json.loads(json.dumps(site.check.issue(MOBILE)))


def test_an_answer_is_good_once(site: Site) -> None:
    for answer in (site.answer(), site.answer()):
        assert site.check.verify(MOBILE, ADDRESS, answer) is True
        assert site.check.verify(MOBILE, ADDRESS, answer) is False


def test_threat_13_one_of_many_at_once_is_first(site: Site) -> None:
    answer = site.answer()
    assert sum(together(lambda: site.check.verify(MOBILE, ADDRESS, answer), [()] * 20)) == 1


@pytest.mark.parametrize(
    "answer", ["", "0", "null", "[]", "{}", "[" * 10_000, "\ud800", "\0", "票", "a" * 100_000], ids=ascii
)
def test_threat_18_garbage_is_refused(site: Site, answer: str) -> None:
    assert site.check.verify(MOBILE, ADDRESS, answer) is False


def test_threat_20_without_valkey_nobody_is_a_person(site: Site, valkey: Valkey) -> None:
    answer = site.answer()
    valkey.stop()
    with pytest.raises(StorageUnavailable):
        site.check.verify(MOBILE, ADDRESS, answer)
