"""Tencent's captcha over HTTP: the requests, and the result of every possible answer."""

import hashlib
import hmac
import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.checks import run_checks

from phonebind import slots, store
from phonebind.exceptions import HumanCheckUnavailable, PhonebindError
from phonebind.human.tencent import ENDPOINT, EXPIRES_IN, PERSON, SCRIPT, Tencent
from phonebind.slots import Slots
from tests.support.edge import Configure, Upstream
from tests.support.ports import free_port
from tests.support.racers import together
from tests.support.wire import FAULTS, answering, serve

MOBILE, ADDRESS = "13900000001", "192.0.2.1"
REQUEST_ID = "ed93f3cb-f35e-473f-b9f3-0d451b8b79c6"
#: No line of this file has these values as literals: tracebacks quote lines.
APP_SECRET_KEY, SECRET_ID, SECRET_KEY = "app" * 9, "id" * 13, "key" * 9
KEYS = {"app_id": "190000001", "app_secret_key": APP_SECRET_KEY, "secret_id": SECRET_ID, "secret_key": SECRET_KEY}


def at(url: str) -> Tencent:
    return Tencent(**KEYS, endpoint=url)


def answer(ticket: str = "tr03Xa*", randstr: str = "@Vki") -> str:
    """The fields that the page sends."""
    return json.dumps({"ticket": ticket, "randstr": randstr})


def says(upstream: Upstream, **response: Any) -> None:
    upstream.answer("/", {"Response": {"RequestId": REQUEST_ID, **response}})


@pytest.fixture
def tencent(upstream: Upstream) -> Tencent:
    """A server that accepts every ticket."""
    says(upstream, CaptchaCode=1, CaptchaMsg="OK", EvilLevel=0, GetCaptchaTime=0)
    return at(upstream.url)


_numbers = iter(range(10**9))


def outcome(check: Tencent) -> str:
    """The result of a new ticket."""
    try:
        return "person" if check.verify(MOBILE, ADDRESS, answer(f"t{next(_numbers)}")) else "nobody"
    except PhonebindError as error:
        return error.code


# ---------------------------------------------------------------- the request


def test_the_browser_gets_what_the_script_needs() -> None:
    check = Tencent(**KEYS)
    assert check.issue(MOBILE) == {"app_id": "190000001", "script": SCRIPT}
    assert (check.name, check.visual, check.endpoint) == ("tencent", True, ENDPOINT)
    assert check.origins[0] == "https://turing.captcha.qcloud.com"
    assert Tencent(**KEYS, script="http://127.0.0.1:8000/sandbox/x.js").origins[0] == "http://127.0.0.1:8000"


def test_a_ticket_is_asked_about_in_one_call(tencent: Tencent, upstream: Upstream) -> None:
    tencent.verify(MOBILE, ADDRESS, answer())
    question = {
        "CaptchaType": 9,
        "Ticket": "tr03Xa*",
        "UserIp": ADDRESS,
        "Randstr": "@Vki",
        "CaptchaAppId": 190000001,
        "AppSecretKey": APP_SECRET_KEY,
    }
    assert upstream.requests == [("/", question)]
    headers, _ = upstream.raw[0]
    assert headers["X-TC-Action"] == "DescribeCaptchaResult"
    assert headers["X-TC-Version"] == "2019-07-22"
    assert headers["Host"] == upstream.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("address", "user_ip"),
    [("203.0.113.9", "203.0.113.9"), ("2001:db8:1:2::/64", "2001:db8:1:2::"), ("unknown", "127.0.0.1")],
)
def test_tencent_is_told_an_address(tencent: Tencent, upstream: Upstream, address: str, user_ip: str) -> None:
    tencent.verify(MOBILE, address, answer())
    assert upstream.requests[0][1]["UserIp"] == user_ip


def test_the_question_is_signed_as_the_documentation_says(tencent: Tencent, upstream: Upstream) -> None:
    now = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        tencent.verify(MOBILE, ADDRESS, answer())
    headers, body = upstream.raw[0]
    canonical = (
        f"POST\n/\n\ncontent-type:{headers['Content-Type']}\nhost:{headers['Host']}\n\ncontent-type;host\n"
        f"{hashlib.sha256(body).hexdigest()}"
    )
    scope = "2026-03-01/captcha/tc3_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"TC3" + SECRET_KEY.encode()
    for message in (*scope.split("/"), f"TC3-HMAC-SHA256\n{int(now.timestamp())}\n{scope}\n{digest}"):
        key = hmac.new(key, message.encode(), hashlib.sha256).digest()
    assert headers["X-TC-Timestamp"] == str(int(now.timestamp()))
    assert headers["Authorization"] == (
        f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{scope}, SignedHeaders=content-type;host, Signature={key.hex()}"
    )


# ---------------------------------------------------------------- what the page sends

WRONG = {
    "nothing": "",
    "a word": "ticket",
    "null": "null",
    "a list": '["tr03Xa*", "@Vki"]',
    "a ticket alone": '{"ticket": "tr03Xa*"}',
    "a randstr alone": '{"randstr": "@Vki"}',
    "a number": '{"ticket": 1, "randstr": "@Vki"}',
    "no randstr": '{"ticket": "tr03Xa*", "randstr": null}',
    "an object": '{"ticket": {"a": "b"}, "randstr": ["c"]}',
    "empty": answer("", ""),
    "white space": answer("tr03 Xa*"),
    "a line": answer("tr03Xa*\n"),
    "a null byte": answer("tr03Xa*\0"),
    "Chinese": answer("票"),
    "half a character": answer("\ud800"),
    "a long ticket": answer("t" * 4097),
    "a long randstr": answer(randstr="@" * 65),
    "megabytes": answer("t" * 3_000_000),
    "deep": "[" * 100_000,
    "a huge number": '{"ticket": ' + "1" * 5_000 + "}",
    "a fallback of the script's": answer("trerror_1001_190000001_1772000000"),
    "a former fallback": answer("terror_1001_190000001_1772000000"),
}


@pytest.mark.parametrize("text", WRONG)
def test_threat_18_what_is_no_ticket_is_refused_and_nobody_asked(
    tencent: Tencent, upstream: Upstream, text: str
) -> None:
    assert tencent.verify(MOBILE, ADDRESS, WRONG[text]) is False
    assert upstream.requests == []


def test_what_else_the_script_tells_does_not_disturb(tencent: Tencent) -> None:
    assert tencent.verify(
        MOBILE, ADDRESS, json.dumps({"ret": 0, "bizState": None, "ticket": "t" * 4096, "randstr": "@" * 64})
    )


# ---------------------------------------------------------------- each ticket once


def test_threat_13_a_ticket_that_was_used_costs_no_call(tencent: Tencent, upstream: Upstream) -> None:
    tencent.verify(MOBILE, ADDRESS, answer())
    for again in (answer(), answer(randstr="@other"), f" {answer()}"):
        assert tencent.verify(MOBILE, ADDRESS, again) is False
    assert len(upstream.requests) == 1


def test_threat_13_a_used_ticket_is_known_as_long_as_it_lives(tencent: Tencent) -> None:
    tencent.verify(MOBILE, ADDRESS, answer())
    with store.connection() as client:
        [used] = client.keys(store.key("tencent", "*"))
        assert client.ttl(used) > EXPIRES_IN


def test_threat_13_one_of_many_at_once_is_first(tencent: Tencent, upstream: Upstream, phonebind: Configure) -> None:
    phonebind(sms_slots=20)

    assert sum(together(lambda: tencent.verify(MOBILE, ADDRESS, answer()), [()] * 20)) == 1
    assert len(upstream.requests) == 1


# ---------------------------------------------------------------- Tencent's answers


@pytest.mark.parametrize("code", sorted(PERSON))
def test_what_another_try_repairs_is_told_to_the_person_alone(
    tencent: Tencent, upstream: Upstream, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    says(upstream, CaptchaCode=code, CaptchaMsg="ticket expired")
    assert outcome(tencent) == "nobody"
    assert not caplog.records


def test_whom_tencent_takes_for_evil_is_refused_though_the_ticket_is_good(tencent: Tencent, upstream: Upstream) -> None:
    says(upstream, CaptchaCode=1, CaptchaMsg="OK", EvilLevel=100)
    assert outcome(tencent) == "nobody"


@pytest.mark.parametrize("code", [0, -1, 2, 16, 26, 31, 100, 10**30])
def test_what_the_operator_repairs_is_told_to_the_operator(
    tencent: Tencent, upstream: Upstream, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    says(upstream, CaptchaCode=code, CaptchaMsg=APP_SECRET_KEY)
    assert outcome(tencent) == "human_check_unavailable"
    assert [record.levelname for record in caplog.records] == ["WARNING"], "anybody's ticket can bring it about"
    assert f"refuses our configuration: CaptchaCode {code} (request {REQUEST_ID})" in caplog.text
    assert "PHONEBIND['HUMAN_CHECK']" in caplog.text


@pytest.mark.parametrize(
    "error",
    ["AuthFailure.SignatureFailure", "UnauthorizedOperation.Unauthorized", "Whatever"],
)
def test_an_error_of_the_cloud_is_told_to_the_operator(
    tencent: Tencent, upstream: Upstream, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    says(upstream, Error={"Code": error, "Message": f"{SECRET_ID} is unknown"}, CaptchaCode=1)
    assert outcome(tencent) == "human_check_unavailable"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert f": {error} (request {REQUEST_ID})" in caplog.text
    assert SECRET_ID not in caplog.text


@pytest.mark.parametrize("error", ["InvalidParameter", "InvalidParameterValue.Ticket", "MissingParameter"])
def test_threat_48_an_error_about_what_somebody_sent_is_no_alarm(
    tencent: Tencent, upstream: Upstream, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    says(upstream, Error={"Code": error, "Message": "Ticket is wrong"})
    assert outcome(tencent) == "human_check_unavailable"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_whoever_brings_tickets_of_another_app_does_not_fill_the_log(
    tencent: Tencent, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    for code in (16, 16, 100, 16):
        says(upstream, CaptchaCode=code)
        assert outcome(tencent) == "human_check_unavailable"
    assert re.findall(r"CaptchaCode \d+", caplog.text) == ["CaptchaCode 16", "CaptchaCode 100"]


def test_of_an_answer_only_what_is_a_request_id_is_repeated(
    tencent: Tencent, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    says(upstream, CaptchaCode=100, RequestId=f"{REQUEST_ID} {APP_SECRET_KEY}")
    assert outcome(tencent) == "human_check_unavailable"
    assert "(request ?)" in caplog.text


GARBAGE = {
    "empty": b"",
    "HTML": b"<!doctype html><title>502 Bad Gateway</title>",
    "half": b'{"Response": {"CaptchaCode": 1',
    "no response": b'{"CaptchaCode": 1}',
    "a list": b"[1]",
    "a number": b"1",
    "null": b'{"Response": null}',
    "a response that is a list": b'{"Response": [{"CaptchaCode": 1}]}',
    "a response that is a word": b'{"Response": "Error"}',
    "nothing in it": b'{"Response": {}}',
    "no code": b'{"Response": {"CaptchaCode": null}}',
    "a code in words": b'{"Response": {"CaptchaCode": "1"}}',
    "true": b'{"Response": {"CaptchaCode": true}}',
    "a fraction": b'{"Response": {"CaptchaCode": 1.0}}',
    "a list for a code": b'{"Response": {"CaptchaCode": [1]}}',
    "an error that is a word": b'{"Response": {"Error": "Code", "CaptchaCode": 1}}',
    "an error that is null": b'{"Response": {"Error": null, "CaptchaCode": 1}}',
    "an error without a code": b'{"Response": {"Error": {}, "CaptchaCode": 1}}',
    "an error whose code is null": b'{"Response": {"Error": {"Code": null}, "CaptchaCode": 1}}',
    "an error whose code is empty": b'{"Response": {"Error": {"Code": ""}, "CaptchaCode": 1}}',
    "an error whose code is a number": b'{"Response": {"Error": {"Code": 1}, "CaptchaCode": 1}}',
    "an error of its own": b'{"Response": {"Error": {"Code": "InternalError.Unknown"}, "CaptchaCode": 1}}',
    "an error of lines": b'{"Response": {"Error": {"Code": "A\\nB"}, "CaptchaCode": 1}}',
    "an error that is long": b'{"Response": {"Error": {"Code": "%s"}, "CaptchaCode": 1}}' % (b"A" * 65),
    "deep": b'{"Response":' + b"[" * 30_000,
    "a huge number": b'{"Response": {"CaptchaCode": ' + b"1" * 5_000 + b"}}",
    "binary": bytes(range(256)),
    "too long": b'{"Response": {"CaptchaCode": 1}}'.rjust(100_000),
}


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_no_answer(
    tencent: Tencent, upstream: Upstream, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer("/", GARBAGE[body])
    assert outcome(tencent) == "human_check_unavailable"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("status", [302, 400, 403, 500, 502, 503])
def test_ok_under_an_error_status_is_none(tencent: Tencent, upstream: Upstream, status: int) -> None:
    upstream.answer("/", {"Response": {"CaptchaCode": 1}}, status=status)
    assert outcome(tencent) == "human_check_unavailable"
    assert len(upstream.requests) == 1


# ---------------------------------------------------------------- the network


@pytest.mark.parametrize("fault", FAULTS)
def test_threat_19_whatever_the_network_does_nobody_can_tell(phonebind: Configure, fault: str) -> None:
    phonebind(total_timeout=0.2)
    with serve(FAULTS[fault]) as server:
        assert outcome(at(server.url)) == "human_check_unavailable"
        assert len(server.requests) == 1


def test_threat_19_a_captcha_that_nobody_serves() -> None:
    assert outcome(at(f"http://127.0.0.1:{free_port()}")) == "human_check_unavailable"


def test_no_redirect_is_followed() -> None:
    with serve(answering(b"")) as elsewhere:
        moved = b"HTTP/1.1 307 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % elsewhere.url.encode()
        with serve(lambda wire: wire.say(moved)) as server:
            assert outcome(at(server.url)) == "human_check_unavailable"
    assert elsewhere.requests == []


def test_who_finds_no_place_to_wait_keeps_the_ticket_and_counts_nowhere(
    tencent: Tencent, upstream: Upstream, phonebind: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    phonebind(sms_slots=1, limits={"human_answer_address_hour": (1, 3600)})
    monkeypatch.setattr(slots, "HUMAN", Slots(HumanCheckUnavailable, patience=0, longest=0))
    with slots.HUMAN.take(1), pytest.raises(HumanCheckUnavailable):
        tencent.verify(MOBILE, ADDRESS, answer())
    assert upstream.requests == []
    assert tencent.verify(MOBILE, ADDRESS, answer())


@pytest.mark.parametrize("said", [{"CaptchaCode": 16}, {"Error": {"Code": "InvalidParameter"}}], ids=str)
def test_that_one_ticket_is_refused_is_no_reason_to_send_others_away(
    tencent: Tencent, upstream: Upstream, phonebind: Configure, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]
) -> None:
    phonebind(sms_slots=1)
    monkeypatch.setattr(slots, "HUMAN", Slots(HumanCheckUnavailable, patience=10, longest=10))
    upstream.answer("/", {"Response": said}, delay=0.2)
    assert together(lambda: outcome(tencent), [()] * 3) == ["human_check_unavailable"] * 3
    assert len(upstream.requests) == 3


def test_threat_13_an_address_is_asked_about_so_often_and_no_more(
    tencent: Tencent, upstream: Upstream, phonebind: Configure
) -> None:
    """Each verdict costs money. With a ticket of another app, or a malformed one, anybody can cause an answer that
    blames our settings.
    """
    phonebind(limits={"human_answer_address_hour": (3, 3600)})
    for said in ({"CaptchaCode": 7}, {"CaptchaCode": 16}, {"Error": {"Code": "InvalidParameter"}}):
        says(upstream, **said)
        outcome(tencent)
    says(upstream, CaptchaCode=1)
    assert outcome(tencent) == "too_many_requests"
    assert len(upstream.requests) == 3
    assert tencent.verify(MOBILE, "192.0.2.2", answer("another"))


def test_an_outage_counts_against_nobody(tencent: Tencent, upstream: Upstream, phonebind: Configure) -> None:
    """A person who tries again during the outage must not be locked out after it. A person who never sent a ticket
    must not be locked out either.
    """
    phonebind(limits={"human_answer_address_hour": (1, 3600)}, total_timeout=0.2)
    for text in WRONG.values():
        assert not tencent.verify(MOBILE, ADDRESS, text)
    with serve(FAULTS["hangs up"]) as server:
        assert outcome(at(server.url)) == "human_check_unavailable"
    for said in ({"Error": {"Code": "InternalError", "Message": "x"}}, {"CaptchaCode": None}):
        says(upstream, **said)
        assert outcome(tencent) == "human_check_unavailable"
    says(upstream, CaptchaCode=1)
    assert outcome(tencent) == "person"
    assert outcome(tencent) == "too_many_requests"


def test_a_captcha_that_hangs_leaves_the_sms_gateway_its_places(phonebind: Configure) -> None:
    phonebind(sms_slots=1)
    with slots.HUMAN.take(1), slots.SMS.take(1):
        pass


# ---------------------------------------------------------------- secrets


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("tencentcloud_sdk_common").setLevel(logging.DEBUG)
        yield caplog
        logging.getLogger("tencentcloud_sdk_common").setLevel(logging.NOTSET)


def test_threat_22_no_secret_is_logged_or_told(
    upstream: Upstream, everything_logged: pytest.LogCaptureFixture, phonebind: Configure
) -> None:
    told, ticket = "", "t" * 40
    echo = f"{APP_SECRET_KEY} {SECRET_ID} {SECRET_KEY} {ticket}"
    bodies: list[dict[str, Any]] = [
        {"CaptchaCode": 1, "CaptchaMsg": echo},
        {"CaptchaCode": 7, "CaptchaMsg": echo},
        {"CaptchaCode": 100, "CaptchaMsg": echo, "RequestId": echo},
        {"CaptchaCode": echo},
        {"Error": {"Code": echo, "Message": echo}},
        {"Error": {"Code": "AuthFailure.SecretIdNotFound", "Message": echo}, "RequestId": echo},
    ]
    for number, body in enumerate(bodies):
        for status in (200, 500):
            upstream.answer("/", {"Response": body}, status=status)
            try:
                at(upstream.url).verify(MOBILE, ADDRESS, answer(f"{ticket}{number}{status}"))
            except PhonebindError as error:
                told += "".join(traceback.format_exception(error))
    with suppress(HumanCheckUnavailable), serve(FAULTS["resets"]) as server:
        at(server.url).verify(MOBILE, ADDRESS, answer(ticket))
    told += everything_logged.text + repr(at(upstream.url))
    assert "AuthFailure.SecretIdNotFound" in told
    for secret in (APP_SECRET_KEY, SECRET_ID, SECRET_KEY, ticket):
        assert secret not in told


# ---------------------------------------------------------------- the options


def test_nothing_is_wrong_with_the_real_one(start_with_debug: Callable[[bool], None]) -> None:
    start_with_debug(False)
    assert Tencent(**KEYS).check() == []
    abroad = "https://captcha.intl.tencentcloudapi.com", "https://ca.turing.captcha.qcloud.com/TJNCaptcha-global.js"
    assert Tencent(**KEYS, endpoint=abroad[0], script=abroad[1]).check() == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("app_id", 190000001, "app_id must be the digits"),
        ("app_id", "", "app_id must be the digits"),
        ("app_id", "app", "app_id must be the digits"),
        ("app_id", "１９", "app_id must be the digits"),
        ("app_secret_key", None, "app_secret_key must be a str"),
        ("app_secret_key", "a b", "app_secret_key must be a str"),
        ("secret_id", "", "secret_id must be a str"),
        ("secret_id", " id", "secret_id must be a str"),
        ("secret_key", "key\n", "secret_key must be a str"),
        ("secret_key", b"key", "secret_key must be a str"),
        ("endpoint", None, "endpoint must be a whole http(s) URL"),
        ("endpoint", "captcha.tencentcloudapi.com", "endpoint must be a whole http(s) URL"),
        ("endpoint", "https://user@captcha.tencentcloudapi.com", "endpoint must be a whole http(s) URL"),
        ("script", "", "script must be a whole http(s) URL"),
        ("script", "/TJCaptcha.js", "script must be a whole http(s) URL"),
        ("script", "https://x.example; script-src *", "script must be a whole http(s) URL"),
        ("script", "javascript:alert(1)", "script must be a whole http(s) URL"),
        ("script", "https://[x", "script must be a whole http(s) URL"),
        ("script", 5, "script must be a whole http(s) URL"),
        ("script", ["https://x.example"], "script must be a whole http(s) URL"),
    ],
    ids=repr,
)
def test_e007_options_that_cannot_be(phonebind: Configure, name: str, value: object, problem: str) -> None:
    phonebind(human_check={"check": "phonebind.human.tencent.Tencent", **KEYS, name: value})
    [message] = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind.E007"]
    assert problem in message.msg


@pytest.mark.parametrize("name", ["endpoint", "script"])
def test_threat_22_without_tls_it_is_for_development(start_with_debug: Callable[[bool], None], name: str) -> None:
    check = Tencent(**KEYS, **{name: "http://127.0.0.1:8000/sandbox/tencent/"})
    start_with_debug(True)
    assert check.check() == []
    start_with_debug(False)
    assert check.check() == [f"{name} is not https"]


def test_e007_a_missing_sdk_is_named(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "phonebind.human.tencent")
    monkeypatch.setitem(sys.modules, "tencentcloud.captcha.v20190722", None)
    phonebind(human_check={"check": "phonebind.human.tencent.Tencent", **KEYS})
    [message] = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind.E007"]
    assert "pip install 'phonebind[tencent]'" in message.msg
