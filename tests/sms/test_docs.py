"""The pages about SMS in both languages, compared with the gateways and the limits."""

import re
import sys
import unittest
from types import ModuleType
from typing import Any

import pytest

from phonebind.checks import check_gateway
from phonebind.limits import RULES
from phonebind.sms import GATEWAYS, PURPOSES, base
from phonebind.sms.aliyun import Aliyun
from phonebind.sms.http import Http
from phonebind.sms.receipts import REASONS
from phonebind.sms.registry import OUTCOMES
from phonebind.sms.tencent import Tencent
from phonebind.sms.vendor import Codes
from phonebind.sms.yuntongxun import Yuntongxun
from tests.support import celery_app
from tests.support.documents import LANGUAGES, PAGES, blocks, code, column, named, read, rows, section
from tests.support.edge import Configure

EVERY: list[Codes] = [Aliyun.codes, Tencent.codes, Yuntongxun.codes, Http.codes]
#: Their sections on the page of the errors.
VENDORS = ("aliyun-both-products", "tencent", "yuntongxun", "http-your-bridge")
SMS_PAGES = [name for name in PAGES if name.startswith("how-to/sms")]

both = pytest.mark.parametrize("language", LANGUAGES)


@both
def test_every_fault_of_the_operators_is_there_with_what_the_log_says(language: str) -> None:
    there = {(frozenset(named(row[0])), row[-1]) for row in rows(read("how-to/sms/errors", language))}
    for codes in EVERY:
        for advice in set(codes.advice.values()):
            assert (frozenset(code for code, said in codes.advice.items() if said == advice), advice) in there


@both
def test_the_faults_are_under_the_name_of_their_vendor(language: str) -> None:
    """The vendors' pages link to the sections."""
    text = read("how-to/sms/errors", language)
    for codes, anchor in zip(EVERY, VENDORS, strict=True):
        assert set(codes.advice) <= set(named(section(text, anchor)))


@both
def test_every_gateway_outcome_and_purpose_is_there(language: str) -> None:
    there = set(column(read("how-to/sms/index", language)))
    assert there >= {*GATEWAYS, *OUTCOMES.values(), *PURPOSES, base.NO_ACCOUNT, *base.NOTICES}


@both
def test_every_exception_of_a_gateway_is_there_with_its_outcome(language: str) -> None:
    table = rows(read("how-to/sms/own", language))
    there = {(re.sub(r"[`()]|seconds", "", row[0]), row[1].strip("`")) for row in table}
    assert there >= {(kind.__name__, outcome) for kind, outcome in OUTCOMES.items()}


@both
def test_every_reason_of_a_receipt_is_there(language: str) -> None:
    table = rows(section(read("how-to/sms/receipts", language), "what-people-see"))
    assert [row[0].strip("`") for row in table] == list(REASONS)


@both
def test_every_code_of_a_bridge_is_there_with_its_outcome(language: str) -> None:
    there = {(said, row[-1].strip("`")) for row in rows(read("how-to/sms/bridge", language)) for said in named(row[0])}
    assert there >= {(said, kind) for said, kind in Http.codes.kinds.items() if said != "ok"}


@both
def test_every_limit_on_sms_is_there_with_its_default(language: str) -> None:
    """The first number of a row is the limit."""
    there = {
        row[0].strip("`"): int(found[0].replace(",", ""))
        for row in rows(read("how-to/sms/costs", language))
        if row[0].strip("`") in RULES and (found := re.search(r"[\d,]+", row[1]))
    }
    guesses = {"sms_code_identity_hour", "sms_code_address_hour"}
    every = {name for name in RULES if name.startswith(("sms_", "no_image_"))} - guesses
    assert set(there) >= every | {"reset_mobile_day", "verify_user_hour", "notice_mobile_day", "image_address_hour"}
    assert there == {name: RULES[name].limit for name in there}


def _own() -> ModuleType:
    """``shop/sms.py`` from the page about writing a gateway."""
    module = ModuleType("shop.sms")
    [gateway] = [block for block in code("how-to/sms/own", "python") if "class Example:" in block]
    exec(gateway, vars(module))  # noqa: S102 - code that a reader pastes
    return module


@both
def test_the_settings_as_they_stand_there_pass_the_checks(
    language: str, phonebind: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shop.celery", celery_app)
    monkeypatch.setitem(sys.modules, "shop.sms", _own())
    shown = [block for name in SMS_PAGES for _, block in blocks(read(name, language), "python")]
    settings = [block for block in shown if 'PHONEBIND["SMS"] = ' in block]
    for name in re.findall(r'os\.environ\["(\w+)"\]', "".join(settings)):
        monkeypatch.setenv(name, "from-the-console")
    monkeypatch.setenv("SMS_SECRET", "whsec_cGhvbmViaW5kLXNlY3JldC0wMTIzNDU2Nzg5")
    names = set()
    for block in settings:
        there: dict[str, Any] = {}
        exec(block, {"PHONEBIND": there})  # noqa: S102 - code that a reader pastes
        phonebind(sms=there["SMS"])
        assert check_gateway() == []
        names.add(there["SMS"]["gateway"])
    assert names == {*GATEWAYS, "shop.sms.Example"} - {"console", "sandbox"}


def test_the_test_of_a_gateway_of_ones_own_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    own, tests = _own(), ModuleType("shop.tests")
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.sms", own)
    [block] = [block for block in code("how-to/sms/own", "python") if "class ExampleTest" in block]
    exec(block, vars(tests))  # noqa: S102 - code that a reader pastes
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(tests).run(result)
    assert (result.testsRun, result.errors, result.failures) == (3, [], [])


@both
def test_an_attack_is_met_by_settings_that_exist(language: str, phonebind: Configure) -> None:
    settings = [
        block for _, block in blocks(read("how-to/sms-pumping", language), "python") if block.startswith("PHONEBIND")
    ]
    assert len(settings) == 2
    there: dict[str, Any] = {}
    for block in settings:
        exec(block, {"PHONEBIND": there})  # noqa: S102 - code that a reader pastes
    phonebind(**{name.lower(): value for name, value in there.items()})
    assert set(there["LIMITS"]) <= set(RULES)
