"""The reference server and its sandbox's SMS gateway, with faults in the network between them."""

import time
from typing import Any

import pytest

from phonebind.sms import registry
from server import demo
from tests.support.visitor import Answer, Visitor

PASSWORD = "horse-staple-9"


def received(visitor: Visitor, mobile: str) -> list[str]:
    """The codes that the phone shows, newest first."""
    return [message["code"] for message in visitor.get("/sandbox/inbox.json", mobile=mobile).data]


def told(answer: Answer) -> tuple[int, str, int | None]:
    return answer.status, answer.data["code"], answer.data.get("retry_after")


@pytest.mark.parametrize(
    ("fault", "mobile", "person"), [("reset", "13911110001", "xiaolan"), ("slow", "13911110002", "sam")]
)
def test_threat_13_what_may_be_on_its_way_is_sent_once_and_binds(
    visitor: Visitor, fault: str, mobile: str, person: str
) -> None:
    visitor.faults(sms_network=fault)
    answer = visitor.ask_for_sms(mobile)
    assert told(answer) == (502, "sms_not_sent", 60)
    assert answer.headers["Retry-After"] == "60"
    for _ in range(5):
        assert visitor.ask_for_sms(mobile).data["code"] == "sms_too_frequent"
    visitor.faults()
    while not received(visitor, mobile):
        time.sleep(0.1)  # the slow request has not ended yet
    [code] = received(visitor, mobile)
    ticket = visitor.arrive(person).data["access_token"]
    assert visitor.bind(mobile, PASSWORD, ticket=ticket, sms_code=code).status == 201


@pytest.mark.parametrize("fault", [{"sms_network": "down"}, {"sms": "refuse"}, {"sms": "error"}], ids=str)
def test_threat_14_what_was_refused_may_be_asked_for_again_at_once(visitor: Visitor, fault: dict[str, str]) -> None:
    mobile = "13911110003"
    visitor.faults(**fault)
    for _ in range(3):
        answer = visitor.ask_for_sms(mobile)
        assert told(answer) == (502, "sms_not_sent", None)
        assert "Retry-After" not in answer.headers
    assert received(visitor, mobile) == []
    visitor.faults()
    assert visitor.ask_for_sms(mobile).status == 200
    assert len(received(visitor, mobile)) == 1


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("tencent", [("package 1, good until 2100-01-01", "1000 of 1000 SMS")]),
        ("yuntongxun", [("account", "100.00 yuan")]),
    ],
)
def test_what_is_left_is_asked_as_the_vendor_wants_it(visitor: Visitor, name: str, left: list[tuple[str, str]]) -> None:
    gateway: Any = registry.make(demo.sms_gateways(f"{visitor.site}/sandbox")[name])
    assert gateway.balance() == left
