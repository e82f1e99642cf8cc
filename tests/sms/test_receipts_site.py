"""The reference server with each gateway, and the sandbox in its vendor's place. The emulated vendor writes the
receipts, and its code is separate from the code that reads them.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phonebind.sms import Message, registry
from phonebind.sms.receipts import Expected
from server import demo
from tests.support.receipts import SECRET
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.visitor import Visitor

#: By the position of the sandbox's switch: the receipt's state and reason. Tencent answers a query with a code alone,
#: and so gives only the reasons in TENCENT_KNOWS.
STATES = {
    "delivered": ("delivered", ""),
    "off": ("failed", "off"),
    "full": ("failed", "full"),
    "blacklisted": ("failed", "blocked"),
    "number": ("failed", "number"),
    "signature": ("failed", "carrier"),
    "unknown": ("failed", "unknown"),
}
TENCENT_KNOWS = {"delivered", "off", "blacklisted", "number", "unknown"}


@pytest.fixture(scope="module", params=[*demo.RECEIPTS, "failover"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    data = tmp_path_factory.mktemp("receipts")
    redis_url = valkey_server().url.replace("db=0", "db=4")
    environ = {"SMS_GATEWAY": str(request.param), "SMS_RECEIPTS": SECRET, "WORKERS": "1", "REDIS_URL": redis_url}
    with serve(data, **environ) as url:
        yield url, data


def news(visitor: Visitor, receipt: str) -> dict[str, Any]:
    """The result of the SMS, as soon as it is known."""
    end = time.monotonic() + 10
    told: dict[str, Any] = {}
    while told.get("state") in (None, "waiting") and time.monotonic() < end:
        time.sleep(0.2)
        told = visitor.get(f"/sms_receipts/{receipt}/").data
    return told


def test_what_the_emulated_vendor_pushes_reaches_the_person(shop: tuple[str, Path]) -> None:
    url, data = shop
    visitor = Visitor(url)
    sent = []
    for number, switch in enumerate(STATES):
        visitor.faults(sms_receipt=switch)
        answer = visitor.ask_for_sms(f"1391113000{number}")
        assert answer.status == 200, answer.data
        sent.append(answer.data["receipt"])
    told = [news(visitor, receipt) for receipt in sent]
    assert [(each["state"], each["reason"]) for each in told] == list(STATES.values())
    log = (data / "log").read_text()
    assert SECRET not in log
    assert "Traceback" not in log
    assert log.count("carriers do not deliver what it sends") == 1


@pytest.mark.parametrize("name", [name for name in demo.RECEIPTS if name != "http"])
def test_what_the_emulated_vendor_answers_is_understood(visitor: Visitor, name: str) -> None:
    gateway: Any = registry.make(demo.sms_gateways(f"{visitor.site}/sandbox")[name])
    sent = []
    for number, switch in enumerate(STATES):
        visitor.faults(sms_receipt=switch)
        message = Message(mobile=f"1391113001{number}", code="012345", minutes=5, text="")
        expected = Expected(message.id, name, gateway.send(message), message.mobile, time.time())
        assert gateway.pull(expected) is None, "the carrier takes a second"
        sent.append(expected)
    time.sleep(1.1)
    told = {}
    for expected, switch in zip(sent, STATES, strict=True):
        receipt = gateway.pull(expected)
        assert (receipt.vendor_id, receipt.mobile) == (expected.vendor_id, expected.mobile)
        told[switch] = (receipt.state, receipt.reason)
    known = (
        STATES
        if name != "tencent"
        else {
            switch: (state, reason if switch in TENCENT_KNOWS else "unknown")
            for switch, (state, reason) in STATES.items()
        }
    )
    assert told == known
