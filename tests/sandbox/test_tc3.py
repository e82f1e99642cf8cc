"""Signature v3, by the example of Tencent's documentation, and requests without a valid signature."""

from typing import Any

import pytest
import time_machine
from django.http import HttpRequest
from django.test import RequestFactory

from phonebind_sandbox.codes import CloudError
from phonebind_sandbox.tc3 import TOLERANCE, check

#: https://cloud.tencent.com/document/api/213/30654
SECRETS = {"AKIDEXAMPLE": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"}
MOMENT = 1551113065
PAYLOAD = r'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}'
AUTHORIZATION = (
    "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/cvm/tc3_request, "
    "SignedHeaders=content-type;host, "
    "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
)


def request(body: str = PAYLOAD, content_type: str = "application/json; charset=utf-8", **headers: str) -> HttpRequest:
    given = {"Host": "cvm.tencentcloudapi.com", "Authorization": AUTHORIZATION, "X-TC-Timestamp": str(MOMENT)} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return RequestFactory().post("/anywhere/", body, content_type=content_type, headers=given)


def refusal(asked: HttpRequest, moment: int = MOMENT, **how: Any) -> str:
    with time_machine.travel(moment, tick=False), pytest.raises(CloudError) as refused:
        check(asked, **({"service": "cvm", "secrets": SECRETS} | how))
    return refused.value.code


@pytest.mark.parametrize("late", [-TOLERANCE, 0, TOLERANCE])
def test_the_example_of_the_documentation_is_signed(late: int) -> None:
    with time_machine.travel(MOMENT + late, tick=False):
        check(request(), "cvm", SECRETS)


@pytest.mark.parametrize("late", [-TOLERANCE - 1, TOLERANCE + 1])
def test_it_is_not_signed_for_ever(late: int) -> None:
    assert refusal(request(), MOMENT + late) == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(
    "changed",
    [
        request(body=PAYLOAD + " "),
        request(content_type="application/json"),
        request(Host="cvm.example"),
        request(X_TC_Timestamp=str(MOMENT + 1)),
        request(Authorization=AUTHORIZATION.replace("2019-02-25", "2019-02-26")),
        request(Authorization=AUTHORIZATION[:-1] + "9"),
        request(Authorization=AUTHORIZATION.replace("content-type;host", "content-type;host;x-tc-action")),
        request(Authorization=AUTHORIZATION.replace("content-type;host", "host")),
    ],
    ids=range(8),
)
def test_whatever_is_changed_it_is_not_signed_any_more(changed: HttpRequest) -> None:
    assert refusal(changed) == "AuthFailure.SignatureFailure"


def test_another_secret_signs_otherwise() -> None:
    assert refusal(request(), secrets=dict.fromkeys(SECRETS, "another")) == "AuthFailure.SignatureFailure"
    assert refusal(request(), secrets={}) == "AuthFailure.SecretIdNotFound"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "SKIP"},
        {"Authorization": AUTHORIZATION.replace("TC3-HMAC-SHA256", "TC2")},
        {"Authorization": AUTHORIZATION + "0"},
        {"X_TC_Timestamp": ""},
        {"X_TC_Timestamp": "now"},
        {"X_TC_Timestamp": "1" * 11},
    ],
    ids=str,
)
def test_what_is_no_signature(headers: dict[str, str]) -> None:
    assert refusal(request(**headers)) == "AuthFailure.InvalidAuthorization"


def test_what_is_signed_for_another_service_is_not_for_this() -> None:
    assert refusal(request(), service="captcha") == "AuthFailure.InvalidAuthorization"
