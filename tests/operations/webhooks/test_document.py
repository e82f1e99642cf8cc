"""docs/*/how-to/operations/webhooks.md says what is sent, and its receivers accept it."""

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.test import RequestFactory
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from phonebind import standard_webhooks
from phonebind.operations import webhooks
from phonebind.operations.models import OutboxMessage
from phonebind.operations.webhooks import acts, delivery, outbox
from tests.operations.webhooks.endpoints import OTHER_SECRET, SECRET
from tests.support.clusters import until
from tests.support.documents import LANGUAGES, code, named, read, rows
from tests.support.ports import free_port

PAGE = "how-to/operations/webhooks"
TEXT = read(PAGE)
BODY = b'{"type":"account-purged"}'


def signed(body: bytes) -> dict[str, str]:
    """The headers of a message while the secret is being changed."""
    return standard_webhooks.headers("m1", body, OTHER_SECRET, SECRET)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_lists_the_types_and_their_fields(language: str) -> None:
    table = [row for row in rows(read(PAGE, language)) if len(row) == 3]
    assert {type_.strip("`"): tuple(named(fields)) for type_, fields, _ in table} == webhooks.TYPES


def test_each_type_has_an_example_as_it_is_sent() -> None:
    [block] = code(PAGE, "jsonl")
    examples = [json.loads(line) for line in block.splitlines()]
    assert [example["type"] for example in examples] == list(webhooks.TYPES)
    for example in examples:
        assert list(example["data"]) == list(webhooks.TYPES[example["type"]])
        message = OutboxMessage(type=example["type"], payload=example["data"])
        sent = json.loads(delivery.content(message))
        assert sent.keys() == example.keys()
        assert sent["data"] == example["data"]
        assert len(sent["timestamp"]) == len(example["timestamp"])


def test_it_says_the_numbers_of_the_code() -> None:
    seconds = (5, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 24 * 3600)
    assert seconds == outbox.BACKOFF
    assert "5 seconds, 1 minute, 5 and 30 minutes, 2, 6, 12, 24 and 24 hours: ten tries in 69 hours" in TEXT
    assert sum(seconds) // 3600 == 68
    assert f"Within {delivery.TIMEOUT} seconds" in TEXT
    assert f"takes a message for {outbox.LEASE} seconds" in TEXT
    # All phases of one try fit into the lease.
    assert delivery.TIMEOUT * 3 <= outbox.LEASE


def test_its_reasons_are_those_of_the_code() -> None:
    source = "".join(path.read_text() for path in Path(acts.__file__).parents[2].rglob("*.py"))
    told = re.findall(r"`reason`: ([^|(]*)", TEXT)
    assert len(told) == 4
    for reasons in told:
        for reason in re.findall(r"(?<!identifier-)`(\w+)`", reasons):
            assert f'"{reason}"' in source, reason


def test_the_library_verifies() -> None:
    [library] = [each for each in code(PAGE, "python") if each.startswith("from standardwebhooks")]
    names: dict[str, Any] = {"secret": SECRET, "body": BODY, "headers": signed(BODY)}
    exec(library, names)  # noqa: S102 - the document's own
    assert names["message"] == {"type": "account-purged"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", names["headers"])


def test_the_view_of_django_keeps_what_is_signed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    [view] = [each for each in code(PAGE, "python") if "csrf_exempt" in each]
    kept: list[dict[str, Any]] = []
    crm: Any = ModuleType("crm.models")
    crm.Message = SimpleNamespace(objects=SimpleNamespace(get_or_create=lambda **row: kept.append(row)))
    monkeypatch.setitem(sys.modules, "crm", ModuleType("crm"))
    monkeypatch.setitem(sys.modules, "crm.models", crm)
    settings.WEBHOOK_SECRET = SECRET
    names: dict[str, Any] = {}
    exec(view, names)  # noqa: S102 - the document's own

    def post(body: bytes, **headers: str) -> int:
        sent = signed(BODY) | {f"webhook-{name}": value for name, value in headers.items()}
        request = RequestFactory().post("/", body, content_type="application/json", headers=sent)
        return int(names["accounts"](request).status_code)

    assert (post(BODY), post(b"{}")) == (204, 400)
    # Such requests can come from anybody, so they must not be errors 500.
    strange = [post(b"\xff"), post(BODY, signature="v1"), post(BODY, signature="v1,a"), post(BODY, signature="v1,\xe9")]
    assert strange == [400] * 4
    assert kept == [{"id": "m1", "defaults": {"message": {"type": "account-purged"}}}]


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Callable[[bytes, dict[str, str]], int]]:
    """The receiver in Node.js. Give it a body and headers, and it returns the status of its answer."""
    program = shutil.which("node")
    if not program:
        pytest.skip("NOT TESTED: node is not installed")
    [text] = code(PAGE, "javascript")
    (tmp_path / "receiver.mjs").write_text(text)
    port = free_port()
    environment = {"WEBHOOK_SECRET": SECRET, "PORT": str(port)}
    (tmp_path / "port").write_text(str(port))

    def post(body: bytes, headers: dict[str, str]) -> int:
        request = Request(f"http://127.0.0.1:{port}/", body, headers, method="POST")
        try:
            with urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    with (
        (tmp_path / "printed").open("w") as printed,
        subprocess.Popen([program, "receiver.mjs"], cwd=tmp_path, env=environment, stdout=printed) as running,
    ):
        until(lambda: _listens(port), "the receiver listens")
        yield post
        running.terminate()


def test_the_receiver_in_node_takes_what_is_signed_once(
    receiver: Callable[[bytes, dict[str, str]], int], tmp_path: Path
) -> None:
    good = signed(BODY)
    assert [receiver(BODY, good), receiver(BODY, good)] == [204, 204]
    others = standard_webhooks.headers("m2", BODY, OTHER_SECRET)
    old = good | {"webhook-timestamp": "1600000000"}
    bad = [receiver(b"{}", good), receiver(BODY, others), receiver(BODY, old), receiver(BODY, {})]
    assert bad == [400] * 4
    assert (tmp_path / "printed").read_text() == "{ type: 'account-purged' }\n"


def test_the_receiver_in_node_survives_what_anybody_can_send(
    receiver: Callable[[bytes, dict[str, str]], int], tmp_path: Path
) -> None:
    """A caller that hangs up in the middle of a body, and a body without end."""
    address = ("127.0.0.1", int((tmp_path / "port").read_text()))
    with socket.create_connection(address) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
    with socket.create_connection(address, timeout=10) as caller:
        caller.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n" + bytes(70_000))
        assert caller.recv(100).startswith(b"HTTP/1.1 413")
    assert receiver(BODY, signed(BODY)) == 204


def test_the_receiver_in_node_does_not_start_without_a_secret(tmp_path: Path) -> None:
    program = shutil.which("node")
    if not program:
        pytest.skip("NOT TESTED: node is not installed")
    [text] = code(PAGE, "javascript")
    (tmp_path / "receiver.mjs").write_text(text)
    done = subprocess.run(
        [program, "receiver.mjs"],
        cwd=tmp_path,
        env={"WEBHOOK_SECRET": "", "PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode != 0
    assert "WEBHOOK_SECRET" in done.stderr
