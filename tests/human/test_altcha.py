"""Proof of work: solved with ALTCHA's own solver, then changed in every way that an attacker with the source would
try.
"""

import base64
import json
from typing import Any

import altcha
import pytest
import time_machine
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from phonebind import store
from phonebind.human.altcha import EXPIRES_IN, Altcha, WithoutImage
from tests.support.altcha import decode, encode, solve
from tests.support.racers import together

MOBILE, OTHER = "13900000001", "13900000002"
ADDRESS = "192.0.2.1"
CHECK = Altcha(cost=1_000)


def answered(check: Altcha = CHECK, mobile: str = MOBILE) -> str:
    return solve(check.issue(mobile))


def refused(answer: str, check: Altcha = CHECK, mobile: str = MOBILE) -> None:
    assert check.verify(mobile, ADDRESS, answer) is False


def test_what_was_computed_is_good_once() -> None:
    answer = answered()
    assert CHECK.verify(MOBILE, ADDRESS, answer)
    refused(answer)


def test_threat_13_one_of_many_at_once_is_first() -> None:
    answer = answered()

    assert sum(together(lambda: CHECK.verify(MOBILE, ADDRESS, answer), [()] * 20)) == 1


def test_threat_13_it_is_no_second_one_in_another_spelling() -> None:
    """The same Base64 and JSON can be written in many ways. A client may choose the solution's time and the order of
    names.
    """
    answer = answered()
    assert CHECK.verify(MOBILE, ADDRESS, answer)
    given = decode(answer)
    given["solution"]["time"] = 1
    refused(encode(given))
    refused(encode({"solution": given["solution"], "challenge": given["challenge"], "more": 1}))
    refused(f" {answer}\n")


@pytest.mark.parametrize("mobile", [OTHER, "", "１３９００００００００１"])
def test_it_is_good_for_one_mobile(mobile: str) -> None:
    refused(answered(), mobile=mobile)


def test_it_is_good_for_one_purpose() -> None:
    refused(answered(), check=WithoutImage(cost=1_000))


def test_another_site_does_not_know_it(settings: Settings) -> None:
    answer = answered()
    settings.SECRET_KEY = "another"
    refused(answer)


def test_it_outlives_the_change_of_the_key(settings: Settings) -> None:
    answer = answered()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert CHECK.verify(MOBILE, ADDRESS, answer)


def test_it_expires() -> None:
    answer = answered()
    with time_machine.travel(decode(answer)["challenge"]["parameters"]["expiresAt"] + 1):
        refused(answer)
    assert CHECK.verify(MOBILE, ADDRESS, answer)


def test_that_it_was_used_is_known_for_as_long_as_it_lives() -> None:
    answer = answered()
    assert CHECK.verify(MOBILE, ADDRESS, answer)
    nonce = decode(answer)["challenge"]["parameters"]["nonce"]
    with store.connection() as client:
        assert client.ttl(store.key("altcha", nonce)) > EXPIRES_IN + 50  # another machine's clock may be slow


def counters(check: Altcha, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers to which the browsers of two hundred people would have to count."""
    drawn: list[int] = []
    create = altcha.create_challenge

    def note(*args: Any, counter: int, **kwargs: Any) -> altcha.Challenge:
        drawn.append(counter)
        return create(*args, counter=counter, **kwargs)

    monkeypatch.setattr(altcha, "create_challenge", note)
    for _ in range(200):
        check.issue(MOBILE)
    return drawn


@pytest.mark.parametrize(("check", "most"), [(CHECK, 512), (WithoutImage(cost=1_000), 6 * 512)])
def test_the_work_has_an_end_and_nobody_can_begin_later(
    monkeypatch: pytest.MonkeyPatch, check: Altcha, most: int
) -> None:
    drawn = counters(check, monkeypatch)
    assert 0 <= min(drawn) < most / 8
    assert most * 7 / 8 < max(drawn) < most
    assert most * 0.4 < sum(drawn) / len(drawn) < most * 0.6


def test_what_is_dearer_for_the_browser_is_not_for_us() -> None:
    """Each challenge costs us one try. If a try cost six times as much, a few requests would use up the capacity."""
    dearer, usual = (check.issue(MOBILE)["challenge"]["parameters"] for check in (WithoutImage(), Altcha()))
    assert dearer["cost"] == usual["cost"]


@pytest.mark.parametrize(
    ("where", "values"),
    [
        (("challenge", "signature"), ["", None, 1, [], "0" * 64]),
        (("challenge", "parameters", "cost"), [1, 999, "1000", None]),
        (("challenge", "parameters", "nonce"), ["00" * 16, None, 1, []]),
        (("challenge", "parameters", "expiresAt"), [None, 4e9, float("nan"), "9999999999"]),
        (("challenge", "parameters", "data"), [None, [], "x", {"mobile": OTHER, "purpose": "sms_code"}]),
        (("challenge", "parameters", "keySignature"), [None, "", 1]),
        (("challenge", "parameters", "keyPrefix"), ["", "00"]),
        (("solution", "derivedKey"), ["", "zz", None, 1, "00" * 32, "\ud800"]),
        (("solution",), [None, [], 1, {}]),
        (("challenge",), [None, [], 1, {}, {"parameters": {}}]),
    ],
    ids=str,
)
def test_nothing_in_it_can_be_another(where: tuple[str, ...], values: list[Any]) -> None:
    answer = answered()
    for value in values:
        given = decode(answer)
        *path, last = where
        part = given
        for name in path:
            part = part[name]
        part[last] = value
        refused(encode(given))
    assert CHECK.verify(MOBILE, ADDRESS, answer)


def test_a_number_may_be_written_in_two_ways() -> None:
    """The signed text is JSON as JavaScript writes it. There, 1000.0 is 1000: the same challenge, and no error 500."""
    given = decode(answered())
    for name in ("cost", "keyLength", "expiresAt"):
        given["challenge"]["parameters"][name] = float(given["challenge"]["parameters"][name])
    given["solution"]["counter"] = float(given["solution"]["counter"])
    assert CHECK.verify(MOBILE, ADDRESS, encode(given))


@pytest.mark.parametrize(
    "answer",
    ["", "x", "=", "AAAA", "null", "购物", "\x00", "\ud800", "e30=", "W10=", "MQ==", "bnVsbA==", "A" * 8192],
)
def test_threat_18_garbage_is_no_answer(answer: str) -> None:
    refused(answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = ["algorithm", "cost", "keyLength", "keyPrefix", "nonce", "salt", "keySignature", "expiresAt", "data"]


@pytest.fixture(scope="module")
def solved() -> str:
    return answered()


@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), value=JSON)
def test_threat_18_whatever_else_stands_in_it_it_is_refused(solved: str, name: str, value: Any) -> None:
    given = decode(solved)
    assume(value != given["challenge"]["parameters"][name])
    given["challenge"]["parameters"][name] = value
    refused(encode(given))


def test_deep_nesting_is_refused() -> None:
    deep = '{"challenge": {"parameters": ' + "[" * 1_000 + "]" * 1_000 + "}}"
    refused(base64.b64encode(deep.encode()).decode())
    given = decode(answered())
    data: Any = {}
    for _ in range(500):
        data = {"a": data}
    given["challenge"]["parameters"]["data"] = data
    refused(encode(json.loads(json.dumps(given))))


@pytest.mark.parametrize("cost", [0, 999, 20_001, 1e4, True, "5000", None], ids=repr)
def test_a_cost_that_is_none_is_told(cost: Any) -> None:
    assert Altcha(cost=cost).check()


def test_the_usual_costs_are_fine() -> None:
    assert not Altcha().check()
