import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from phonebind.signals import image_code_issued
from phonebind_sandbox import faults, inbox, state
from tests.sandbox.client import Answer

TEXT = "【phonebind】验证码 482913，用于绑定QQ账号，5分钟内有效。"


def _sms() -> str:
    return reverse("phonebind_sandbox:sms")


def _page() -> str:
    return reverse("phonebind_sandbox:inbox")


def _inbox_json() -> str:
    return reverse("phonebind_sandbox:inbox_json")


def _send(client: Client, mobile: str = "13800000001", text: str = TEXT) -> Answer:
    return client.post(_sms(), json.dumps({"mobile": mobile, "text": text}), content_type="application/json")


def _messages(client: Client, **query: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = client.get(_inbox_json(), query).json()
    return messages


def test_a_message_arrives(client: Client) -> None:
    assert _send(client).json() == {"status": "ok"}
    [message] = _messages(client)
    assert list(message) == ["mobile", "text", "code", "sent_at", "vendor"]
    assert (message["mobile"], message["text"], message["code"]) == ("13800000001", TEXT, "482913")
    assert message["vendor"] == "sandbox"
    assert datetime.fromisoformat(message["sent_at"]).utcoffset() is not None


def test_the_newest_comes_first_and_a_phone_has_its_own(client: Client) -> None:
    for mobile, text in [("13800000001", "one"), ("13800000002", "two"), ("13800000001", "three")]:
        _send(client, mobile, text)
    assert [message["text"] for message in _messages(client)] == ["three", "two", "one"]
    assert [message["text"] for message in _messages(client, mobile="13800000001")] == ["three", "one"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Your code is 004211.", "004211"),
        ("2026 年优惠，验证码 123456", "123456"),
        ("code 9876, call 13800000001", "9876"),
        ("１２３４５６", None),
        ("no code, 5 minutes, 13800000001", None),
    ],
)
def test_the_code_is_found_as_a_person_finds_it(text: str, code: str | None) -> None:
    assert inbox.Message("13800000001", text, "").code == code


def test_messages_that_were_kept_before_vendors_were_told_apart_are_shown(client: Client) -> None:
    kept = {"mobile": "13800000001", "text": TEXT, "sent_at": "2026-01-02T03:04:05.000+08:00"}
    state.put("sms", str(state.count("sms")), kept, inbox.KEPT_SECONDS)
    assert [message["vendor"] for message in _messages(client)] == ["sandbox"]
    assertContains(client.get(_page()), "<code>sandbox</code>", count=1)


def test_messages_that_come_together_all_arrive() -> None:
    start = threading.Barrier(20)

    def send(number: int) -> None:
        start.wait()
        inbox.deliver("13800000001", f"message {number}")

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(send, range(20)))
    assert {message.text for message in inbox.messages()} == {f"message {number}" for number in range(20)}


def test_the_last_fifty_are_kept(client: Client) -> None:
    for number in range(53):
        inbox.deliver("13800000001", str(number))
    assert [message["text"] for message in _messages(client)] == [str(number) for number in range(52, 2, -1)]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"mobile": 1, "text": "a"}',
        '{"mobile": "1"}',
        "\xff",
        '{"mobile": "1", "text": "\\ud83d"}',
        "[" * 50_000,
    ],
)
def test_what_is_no_message_is_refused(client: Client, body: str) -> None:
    response = client.post(_sms(), body.encode("latin-1"), content_type="application/json")
    assert response.status_code == 400
    assert response.json()["status"] == "invalid"
    assert _messages(client) == []


@pytest.mark.parametrize(
    ("position", "status", "answer"),
    [("refuse", 200, "refused"), ("error", 400, "error"), ("lost", 200, "ok")],
)
def test_switch_sms(client: Client, position: str, status: int, answer: str) -> None:
    faults.write({"sms": position})
    response = _send(client)
    assert (response.status_code, response.json()) == (status, {"status": answer})
    assert _messages(client) == []


def test_switch_sms_network(client: Client) -> None:
    faults.write({"sms_network": "empty"})
    assert _send(client).content == b""
    assert len(_messages(client)) == 1  # it was sent, but the site cannot know that


def test_the_page_shows_the_code_and_refreshes_itself(client: Client) -> None:
    assertContains(client.get(_page()), "No messages yet")
    _send(client)
    _send(client, "13800000002", "<i>no code</i>")
    response = client.get(_page())
    assertContains(response, '<p class="code">482913</p>', count=1)
    assertContains(response, '<meta http-equiv="refresh"')
    assertContains(response, "&lt;i&gt;no code&lt;/i&gt;")
    assertNotContains(client.get(_page(), {"mobile": "13800000002"}), "482913")


def test_image_codes_are_read_for_you(client: Client) -> None:
    url = reverse("phonebind_sandbox:image_code", args=["6b0dc1cf-31b4-4e50-a9ef-0a5b7c8c9d1e"])
    assert client.get(url).status_code == 404
    image_code_issued.send(None, image_code_id="6b0dc1cf-31b4-4e50-a9ef-0a5b7c8c9d1e", text="7KMP")
    assert client.get(url).json() == {"text": "7KMP"}
