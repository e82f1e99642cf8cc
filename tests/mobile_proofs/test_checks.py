"""phonebind.E013, and E001 for the strengths."""

from typing import Any

import pytest

from phonebind import checks, setting_checks
from tests.mobile_proofs.conftest import ALIYUN
from tests.support.edge import Configure

TENCENT = {"sdk_app_id": "1400000002", "app_key": "key"}


class Own:
    """A host's own source."""

    strength = "carrier"

    def check(self) -> list[str]:
        return []

    def verify(self) -> str:
        return ""


class Odd(Own):
    strength = "strong"


class Lacking:
    strength = "carrier"


def found(phonebind: Configure, **changes: Any) -> list[str]:
    phonebind(**changes)
    messages = checks.check_mobile_proofs()
    assert {message.id for message in messages} <= {"phonebind.E013"}
    return [message.msg for message in messages]


def own(kind: str) -> dict[str, Any]:
    return {"source": f"{__name__}.{kind}"}


def test_nothing_is_wrong_with_what_is_right(phonebind: Configure) -> None:
    assert found(phonebind) == []
    sources = {"aliyun": ALIYUN, "tencent": TENCENT, "own": own("Own")}
    assert found(phonebind, mobile_proofs=sources) == []


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("Aliyun", ALIYUN, "the name must be"),
        (7, ALIYUN, "the name must be"),
        ("a" * 21, ALIYUN, "the name must be"),
        ("aliyun", None, "must be a dict"),
        ("jpush", {}, "source must be one of aliyun, tencent, wechat"),
        ("jpush", {"source": "jpush"}, "source must be one of"),
        ("jpush", {"source": "shop.proofs.JPush"}, "ModuleNotFoundError"),
        ("aliyun", {}, "missing: access_key_id, access_key_secret"),
        ("aliyun", {**ALIYUN, "region": "x"}, "unknown: 'region'"),
        ("aliyun", {**ALIYUN, "access_key_id": ""}, "access_key_id must be a str"),
        ("aliyun", {**ALIYUN, "access_key_secret": 7}, "access_key_secret must be a str"),
        ("aliyun", {**ALIYUN, "access_key_secret": "a b"}, "access_key_secret must be a str"),
        ("aliyun", {**ALIYUN, "endpoint": "ftp://x"}, "endpoint is not https"),
        ("tencent", {**TENCENT, "sdk_app_id": 1400000002}, "sdk_app_id must be a str"),
        ("wechat", {}, "provider must be the name of a WeChat mini program"),
        ("wechat", {"provider": "qq"}, "provider is not one that gives mobile numbers"),
        ("wechat", {"provider": "qq", "strength": "carrier"}, "strength must be 'quick' or 'realtime'"),
        ("own", own("Lacking"), "Lacking lacks check, verify"),
        ("own", own("Odd"), "strength must be one of"),
    ],
    ids=repr,
)
def test_e013_a_source_is_unusable(phonebind: Configure, name: Any, entry: Any, words: str) -> None:
    said = " ".join(found(phonebind, mobile_proofs={name: entry}))
    assert words in said
    assert "secret'" not in said


def test_e013_a_strength_that_suffices_for_nothing(phonebind: Configure) -> None:
    some = ("sms", "quick")
    [said] = found(phonebind, mobile_proofs={"own": own("Own")}, new_account_proofs=some, join_proofs=some)
    assert "'carrier' is in neither NEW_ACCOUNT_PROOFS nor JOIN_PROOFS" in said
    assert found(phonebind, join_proofs=("sms", "carrier")) == []


def test_plain_http_is_for_development(phonebind: Configure, start_with_debug: Any) -> None:
    entry = {"aliyun": {**ALIYUN, "endpoint": "http://127.0.0.1:1/"}}
    assert found(phonebind, mobile_proofs=entry) == []
    start_with_debug(False)
    [said] = found(phonebind, mobile_proofs=entry)
    assert "endpoint is not https" in said


@pytest.mark.parametrize("name", ["new_account_proofs", "join_proofs"])
@pytest.mark.parametrize("strengths", [(), ("carrier",), ("sms", "strong"), ("sms", 7), ("sms", [])], ids=repr)
def test_e001_strengths_are_known_and_an_sms_always_suffices(
    phonebind: Configure, name: str, strengths: tuple[Any, ...]
) -> None:
    changes: dict[str, Any] = {name: strengths}
    phonebind(**changes)
    [error] = setting_checks.check_settings()
    assert name.upper() in error.msg


def test_e001_a_list_will_do(phonebind: Configure) -> None:
    phonebind(join_proofs=["sms"], new_account_proofs={"sms", "quick"})
    assert setting_checks.check_settings() == []
