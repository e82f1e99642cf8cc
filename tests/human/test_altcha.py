"""Proof of work: solved with ALTCHA's own solver, then bent in every way that a reader of the code would try."""

import base64
import json
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from phonebind import store
from phonebind.exceptions import HumanCheckInvalid
from phonebind.human.altcha import COUNTERS, EXPIRES_IN, Altcha, WithoutImage
from tests.support.altcha import decode, encode, solve
from tests.support.racers import together

MOBILE, OTHER = "13900000001", "13900000002"
ADDRESS = "192.0.2.1"
CHECK = Altcha(cost=1_000)


def answered(check: Altcha = CHECK, mobile: str = MOBILE) -> str:
    return solve(check.issue(mobile))


def refused(answer: str, check: Altcha = CHECK, mobile: str = MOBILE) -> None:
    with pytest.raises(HumanCheckInvalid):
        check.verify(mobile, ADDRESS, answer)


def test_what_was_computed_is_good_once() -> None:
    answer = answered()
    CHECK.verify(MOBILE, ADDRESS, answer)
    refused(answer)


def test_threat_13_one_of_many_at_once_is_first() -> None:
    answer = answered()

    def use() -> bool:
        try:
            CHECK.verify(MOBILE, ADDRESS, answer)
        except HumanCheckInvalid:
            return False
        return True

    assert sum(together(use, [()] * 20)) == 1


def test_threat_13_it_is_no_second_one_in_another_spelling() -> None:
    """Base64 and JSON can be written in many ways; the solution's time and the order of names are anybody's."""
    answer = answered()
    CHECK.verify(MOBILE, ADDRESS, answer)
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
    CHECK.verify(MOBILE, ADDRESS, answer)


def test_it_expires() -> None:
    answer = answered()
    with time_machine.travel(decode(answer)["challenge"]["parameters"]["expiresAt"] + 1):
        refused(answer)
    CHECK.verify(MOBILE, ADDRESS, answer)


def test_that_it_was_used_is_known_for_as_long_as_it_lives() -> None:
    answer = answered()
    CHECK.verify(MOBILE, ADDRESS, answer)
    nonce = decode(answer)["challenge"]["parameters"]["nonce"]
    with store.connection() as client:
        assert client.ttl(store.key("altcha", nonce)) > EXPIRES_IN + 50  # another machine's clock may be slow


def test_the_work_is_about_the_same_for_everybody() -> None:
    counters = [decode(answered())["solution"]["counter"] for _ in range(10)]
    assert len(set(counters)) > 5
    assert set(counters) <= set(COUNTERS)
    assert max(COUNTERS) <= 3 * min(COUNTERS)


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
    CHECK.verify(MOBILE, ADDRESS, answer)


def test_a_number_may_be_written_in_two_ways() -> None:
    """What is signed is JSON as JavaScript writes it, for which 1000.0 is 1000: the same challenge, and no 500."""
    given = decode(answered())
    for name in ("cost", "keyLength", "expiresAt"):
        given["challenge"]["parameters"][name] = float(given["challenge"]["parameters"][name])
    given["solution"]["counter"] = float(given["solution"]["counter"])
    CHECK.verify(MOBILE, ADDRESS, encode(given))


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


@pytest.mark.parametrize("cost", [0, 999, 30_001, 1e4, True, "5000", None], ids=repr)
def test_a_cost_that_is_none_is_told(cost: Any) -> None:
    assert Altcha(cost=cost).check()


def test_the_usual_costs_are_fine() -> None:
    assert not Altcha().check()
