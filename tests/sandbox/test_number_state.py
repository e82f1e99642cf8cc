"""Aliyun's look-up of numbers: the number itself decides the answer, and a request that the vendor would refuse is
refused.
"""

from hashlib import md5, sha256
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.sandbox.vendors import Aliyun

ACTION = "DescribePhoneTwiceTelVerify"
MOBILE = "13900000001"
FORM = {"AuthCode": "sandbox-auth-code", "InputNumber": MOBILE, "Mask": "NORMAL", "StartTime": "2026-01-02 04:00:00"}


def ask(served: str, action: str = ACTION, version: str = "2020-02-17", **changes: str) -> Any:
    vendor = Aliyun(urlsplit(served).netloc, "number-state/aliyun/", version=version)
    return vendor.call(action, FORM | changes).send(served).json


@pytest.mark.parametrize(("ending", "result"), [("01", 2), ("91", 1), ("93", 3), ("90", 0)])
def test_the_answer_is_in_the_number(served: str, ending: str, result: int) -> None:
    number = f"139000000{ending}"
    for mask, shown in {
        "NORMAL": number,
        "MD5": md5(number.encode(), usedforsecurity=False).hexdigest(),
        "SHA256": sha256(number.encode()).hexdigest().upper(),
    }.items():
        answer = ask(served, InputNumber=shown, Mask=mask)
        assert (answer["Code"], answer["Data"]) == ("OK", {"VerifyResult": result})


def test_of_a_hash_that_is_none_of_the_test_numbers_nothing_is_told(served: str) -> None:
    hidden = sha256(b"13800138091").hexdigest()
    assert ask(served, InputNumber=hidden, Mask="SHA256")["Data"] == {"VerifyResult": 2}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"action": "SendSms"}, "InvalidAction.NotFound"),
        ({"version": "2017-05-25"}, "InvalidVersion"),
        ({"AuthCode": "another"}, "isv.AUTH_CODE_ILLEGAL"),
        ({"InputNumber": "1390000000"}, "isv.INVALID_PARAMETERS"),
        ({"InputNumber": "x" * 64, "Mask": "SHA256"}, "isv.INVALID_PARAMETERS"),
        ({"Mask": "ROT13"}, "isv.INVALID_PARAMETERS"),
        ({"StartTime": "2026-01-02"}, "isv.INVALID_PARAMETERS"),
    ],
)
def test_what_the_vendor_would_refuse(served: str, changes: dict[str, str], code: str) -> None:
    answer = ask(served, **changes)
    assert answer["Code"] == code
    assert "Data" not in answer
