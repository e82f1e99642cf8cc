"""Which service is asked whether a number has a new owner, and what happens if the service gives no answer."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from phonebind import acs3, limits, setting_checks
from phonebind.checks import check_account_life
from phonebind.lifecycle import checks, number_state
from phonebind.lifecycle.number_state.aliyun import Aliyun
from phonebind.lifecycle.number_state.sandbox import Sandbox
from phonebind.options import WrongOptions
from tests.support.edge import Configure, Upstream

pytestmark = pytest.mark.once

MOBILE = "13900000001"
WHEN = datetime(2026, 1, 1, 20, tzinfo=UTC)
KEYS = {"access_key_id": "id", "access_key_secret": "secret", "auth_code": "Dd1r4id"}


SANDBOX = {
    "access_key_id": "sandbox-access-key-id",
    "access_key_secret": "sandbox-access-key-secret",
    "auth_code": "sandbox-auth-code",
}


@pytest.fixture
def sandbox(live_server: Any) -> str:
    return str(live_server.url)


@pytest.fixture
def aliyun(qq: Upstream, phonebind: Configure) -> Upstream:
    phonebind(number_state={"gateway": "aliyun", **KEYS, "endpoint": f"{qq.url}/dytns"})
    return qq


def budget() -> int:
    return limits.spent("number_state_site_day", limits.SITE)[0]


@pytest.mark.parametrize(
    ("said", "state", "billed"),
    [(0, "unknown", 0), (1, "recycled", 1), (2, "same", 1), (3, "recycled", 1), ("3", "recycled", 1.0)],
)
def test_aliyun_says_it(aliyun: Upstream, said: Any, state: str, billed: int) -> None:
    aliyun.answer("/dytns", {"Code": "OK", "Data": {"VerifyResult": said}})
    assert number_state.since(MOBILE, WHEN) == state
    assert budget() == billed


@pytest.mark.parametrize(
    ("answer", "billed"),
    [({"Code": "isv.NOT_APPROVED"}, 0), ({}, 1), ({"Code": "OK"}, 1), ({"Code": "OK", "Data": {"VerifyResult": 7}}, 1)],
)
def test_whatever_else_it_says_nobody_knows(aliyun: Upstream, answer: Any, billed: int) -> None:
    aliyun.answer("/dytns", answer)
    assert number_state.since(MOBILE, WHEN) == "unknown"
    assert budget() == billed


def test_a_vendor_that_is_down_knows_nothing(phonebind: Configure) -> None:
    phonebind(number_state={"gateway": "aliyun", **KEYS, "endpoint": "http://127.0.0.1:9/"})
    # The log has one line for it per minute.
    assert [number_state.since(MOBILE, WHEN) for _ in range(2)] == ["unknown"] * 2


def test_over_the_limit_nobody_is_asked(phonebind: Configure) -> None:
    phonebind(number_state={"gateway": "sandbox"}, limits={"number_state_site_day": (1, 86_400)})
    assert [number_state.since(MOBILE, WHEN) for _ in range(2)] == ["same", "unknown"]


def test_without_a_gateway_nobody_is_asked(phonebind: Configure) -> None:
    assert number_state.since(MOBILE, WHEN) == "unknown"


def test_the_number_itself_does_not_travel(aliyun: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    real = acs3.sign_now

    def look(endpoint: str, api: Any, form: Any, keys: Any) -> Any:
        sent.append(dict(form))
        return real(endpoint, api, form, keys)

    monkeypatch.setattr(acs3, "sign_now", look)
    aliyun.answer("/dytns", {"Code": "OK", "Data": {"VerifyResult": 2}})
    number_state.since(MOBILE, WHEN)
    assert sent == [
        {
            "AuthCode": "Dd1r4id",
            "InputNumber": sha256(MOBILE.encode()).hexdigest(),
            "Mask": "SHA256",
            # In China it is already the next day.
            "StartTime": "2026-01-02 04:00:00",
        }
    ]


def test_the_options_are_checked(phonebind: Configure) -> None:
    assert Aliyun(**KEYS).check() == []
    assert Aliyun(**{**KEYS, "auth_code": ""}, endpoint="ftp://x").check() == [
        "auth_code must be a str, and not empty",
        "endpoint is not https",
    ]
    assert Sandbox().check() == []
    phonebind(number_state={"gateway": "nobody"})
    with pytest.raises(WrongOptions):
        number_state.get()


def test_the_sandbox_is_for_development(start_with_debug: Any) -> None:
    start_with_debug(False)
    assert Sandbox().check()


@pytest.mark.parametrize("name", ["known_mobile", "second_identity", "owner_word"])
def test_a_word_that_is_none_is_an_error(phonebind: Configure, name: str) -> None:
    wrong: dict[str, Any] = {name: "perhaps"}
    phonebind(**wrong)
    assert [each.id for each in setting_checks.check_settings()] == ["phonebind.E001"]


def test_where_the_app_is_installed_its_settings_are_no_error(phonebind: Configure) -> None:
    phonebind(known_mobile="sms")
    assert check_account_life() == []


def test_a_gateway_that_cannot_be_made_is_an_error_and_none_a_warning(phonebind: Configure) -> None:
    assert [each.id for each in checks.check_nobody_knows()] == ["phonebind.W012"]
    assert checks.check_number_state() == []
    phonebind(number_state={"gateway": "aliyun"})
    assert [each.id for each in checks.check_number_state()] == ["phonebind.E015"]
    phonebind(number_state={"gateway": "sandbox"})
    assert checks.check_nobody_knows() == checks.check_number_state() == []


@pytest.mark.parametrize(
    ("ending", "state"), [("01", "same"), ("91", "recycled"), ("93", "recycled"), ("90", "unknown")]
)
def test_the_emulator_answers_by_the_number(sandbox: str, phonebind: Configure, ending: str, state: str) -> None:
    phonebind(number_state={"gateway": "aliyun", **SANDBOX, "endpoint": f"{sandbox}/sandbox/number-state/aliyun/"})
    assert number_state.since(f"139000000{ending}", WHEN) == state


@pytest.mark.parametrize("wrong", [{"access_key_secret": "x"}, {"auth_code": "x"}])
def test_the_emulator_refuses_what_is_wrong(sandbox: str, phonebind: Configure, wrong: dict[str, str]) -> None:
    options = {**SANDBOX, **wrong, "endpoint": f"{sandbox}/sandbox/number-state/aliyun/"}
    phonebind(number_state={"gateway": "aliyun", **options})
    assert number_state.since("13900000001", WHEN) == "unknown"
