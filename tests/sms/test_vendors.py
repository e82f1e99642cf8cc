"""One contract for every vendor's gateway: the result of each answer, and of each failure to answer."""

import json
import logging
import time

import pytest
import time_machine

from phonebind.exceptions import SmsMisconfigured, SmsNotSent, SmsRefused, SmsUnconfirmed, SmsVendorLimit
from phonebind.sms import GATEWAYS, Message
from tests.sms.dialects import DIALECTS, SECRETS, WORDS, Dialect
from tests.support.edge import Configure, Upstream
from tests.support.ports import free_port
from tests.support.wire import FAULTS, reach, serve

MOBILE, CODE = "13800138000", "012345"
MESSAGE = Message(mobile=MOBILE, code=CODE, minutes=5, text=f"[示例商城] {CODE} is your code", id="a1b2c3d4e5f60718")

CODES = {
    kind: [(name, code) for name, dialect in DIALECTS.items() for code in getattr(dialect, kind).split()]
    for kind in ("number", "operator", "not_now", "unknown")
}
LIMITS = [(name, code, wait) for name, dialect in DIALECTS.items() for code, wait in dialect.limit.items()]


pytestmark = pytest.mark.usefixtures("phonebind")


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def send(dialect: Dialect, upstream: Upstream, body: bytes, status: int = 200) -> str | None:
    upstream.answer(dialect.path, body, status=status)
    return dialect.gateway(upstream.url).send(MESSAGE)


def fail(dialect: Dialect, upstream: Upstream, body: bytes, status: int = 200) -> SmsNotSent:
    with pytest.raises(SmsNotSent) as failed:
        send(dialect, upstream, body, status)
    return failed.value


def test_all_of_them_are_here() -> None:
    composite_or_ours = {"failover", "celery", "console", "sandbox"}
    assert DIALECTS.keys() == GATEWAYS.keys() - composite_or_ours


# ---------------------------------------------------------------- what is sent


def test_number_code_and_id_arrive_as_they_are(dialect: Dialect, upstream: Upstream) -> None:
    """The zero at the start of the code is kept, and so is the id that vendors give back."""
    assert send(dialect, upstream, dialect.body(dialect.ok)) == dialect.message_id
    [(headers, body)] = upstream.raw
    assert dialect.sent(body) == (MOBILE, CODE, MESSAGE.id)
    assert headers["User-Agent"] == "phonebind"


def test_threat_9_neither_code_nor_number_is_in_an_address(dialect: Dialect) -> None:
    with serve(FAULTS["hangs up"]) as server, pytest.raises(SmsUnconfirmed):
        dialect.gateway(server.url).send(MESSAGE)
    [line] = server.requests
    assert CODE.encode() not in line
    assert MOBILE.encode() not in line


@pytest.mark.parametrize("message_id", ["\ud800", "\x1b[2J", "短信", "", "m" * 201, 7, None], ids=ascii)
def test_an_id_that_cannot_be_shown_is_none(upstream: Upstream, message_id: object) -> None:
    body = json.dumps({"code": "ok", "message_id": message_id}).encode()
    assert send(DIALECTS["http"], upstream, body) is None


def test_two_messages_use_one_connection(dialect: Dialect, upstream: Upstream) -> None:
    for _ in range(2):
        send(dialect, upstream, dialect.body(dialect.ok))
    assert upstream.connections == 1


def test_a_connection_that_the_vendor_closed_is_not_used_again(dialect: Dialect, upstream: Upstream) -> None:
    body = dialect.body(dialect.ok)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    upstream.answer(dialect.path, b"", raw=(head + body,))
    gateway = dialect.gateway(upstream.url)
    for _ in range(2):
        assert gateway.send(MESSAGE) == dialect.message_id
        time.sleep(0.05)
    assert upstream.connections == 2


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(("name", "code"), CODES["number"])
def test_the_number_is_refused(upstream: Upstream, name: str, code: str) -> None:
    with pytest.raises(SmsRefused):
        send(DIALECTS[name], upstream, DIALECTS[name].body(code))


@pytest.mark.parametrize(("name", "code", "wait"), LIMITS)
def test_the_vendors_limit_says_when_it_ends(upstream: Upstream, name: str, code: str, wait: int | None) -> None:
    with pytest.raises(SmsVendorLimit) as limit:
        send(DIALECTS[name], upstream, DIALECTS[name].body(code))
    assert limit.value.retry_after
    if wait:
        assert limit.value.retry_after == wait
    else:
        assert 0 < limit.value.retry_after <= 86_401


@pytest.mark.parametrize(("name", "code"), CODES["operator"])
@pytest.mark.parametrize("status", [200, 403])
def test_what_only_the_operator_can_repair_is_one_line_a_minute(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, name: str, code: str, status: int
) -> None:
    dialect = DIALECTS[name]
    for _ in range(3):
        error = fail(dialect, upstream, dialect.body(code), status)
        assert (type(error), error.answered) == (SmsMisconfigured, True)
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    line = record.getMessage()
    assert line.startswith(f"SMS gateway {name} sends nothing: ")
    assert line.endswith(f"({code.removeprefix('isv.').removeprefix('isp.').removeprefix('biz.')})")
    assert len(line.split()) > 9, "it says what to do"


@pytest.mark.parametrize(("name", "code"), CODES["not_now"])
@pytest.mark.parametrize("status", [200, 503])
def test_the_vendor_takes_nothing_now(upstream: Upstream, name: str, code: str, status: int) -> None:
    error = fail(DIALECTS[name], upstream, DIALECTS[name].body(code), status)
    assert (type(error), error.answered) == (SmsNotSent, True)


@pytest.mark.parametrize(("name", "code"), CODES["unknown"])
@pytest.mark.parametrize("status", [200, 500])
def test_whatever_else_it_says_it_may_have_sent(upstream: Upstream, name: str, code: str, status: int) -> None:
    error = fail(DIALECTS[name], upstream, DIALECTS[name].body(code), status)
    assert (type(error), error.answered) == (SmsUnconfirmed, True)


def test_a_wrong_clock_is_said_in_words(dialect: Dialect, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    fail(dialect, upstream, dialect.body(dialect.clock), 400)
    # Our own contract has one code for every fault of a signature.
    assert ("clock" in caplog.text) or dialect is DIALECTS["http"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 503])
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{}"])
def test_a_refusal_without_a_code_has_not_sent(dialect: Dialect, upstream: Upstream, status: int, body: bytes) -> None:
    error = fail(dialect, upstream, body, status)
    assert (type(error), error.answered) == (SmsNotSent, True)


@pytest.mark.parametrize("status", [201, 301, 302, 307, 500, 502, 504])
def test_every_other_status_without_a_code_may_have_sent(dialect: Dialect, upstream: Upstream, status: int) -> None:
    assert type(fail(dialect, upstream, b"<html>busy</html>", status)) is SmsUnconfirmed
    assert len(upstream.requests) == 1, "and no redirect is followed"


GARBAGE = [b"", b"OK", b"\xff\xfe", b"[]", b"[1]", b'"OK"', b"null", b"0", b"{}", b"[" * 60_000, b'{"Code": 0}']
GARBAGE += [b'{"Code": null}', b'{"code": ["ok"]}', b'{"statusCode": 0}', b'{"Response": {"SendStatusSet": []}}']
GARBAGE += [b'{"Response": {"SendStatusSet": [{"Code": "Ok"}, {"Code": "Ok"}]}}', b'{"Response": null}']


@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: repr(body[:40]))
def test_200_without_a_code_that_can_be_read_may_have_sent(dialect: Dialect, upstream: Upstream, body: bytes) -> None:
    assert type(fail(dialect, upstream, body)) is SmsUnconfirmed


def test_an_answer_without_the_vendors_id_is_good(dialect: Dialect, upstream: Upstream) -> None:
    said = json.dumps(dialect.said(dialect.ok)).replace(json.dumps(dialect.message_id), "7")
    assert send(dialect, upstream, said.encode()) is None


# ---------------------------------------------------------------- no answer


@pytest.mark.parametrize("fault", FAULTS)
def test_threat_13_what_does_not_answer_may_have_sent_and_is_asked_once(
    dialect: Dialect, phonebind: Configure, fault: str
) -> None:
    phonebind(total_timeout=0.2)
    ends: list[SmsNotSent] = []

    def ask(url: str) -> None:
        with pytest.raises(SmsNotSent) as end:
            dialect.gateway(url).send(MESSAGE)
        ends.append(end.value)

    assert len(reach(FAULTS[fault], ask).requests) == 1
    assert (type(ends[-1]), ends[-1].answered) == (SmsUnconfirmed, False)


def test_a_vendor_that_nobody_reaches_has_not_sent(dialect: Dialect) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(SmsNotSent) as refused:
        dialect.gateway(url).send(MESSAGE)
    assert (type(refused.value), refused.value.answered) == (SmsNotSent, False)


# ---------------------------------------------------------------- what a log contains


def test_threat_9_no_secret_no_code_and_no_word_of_the_vendor_is_in_a_log(
    dialect: Dialect, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    send(dialect, upstream, dialect.body(dialect.ok))
    answers = [dialect.body(code) for code in (*dialect.operator.split()[:3], *dialect.unknown.split()[:2], WORDS)]
    for body in (*answers, b"\x00 012345 13800138000", WORDS.encode()):
        for status in (200, 400, 500):
            fail(dialect, upstream, body, status)
    with pytest.raises(SmsRefused):
        send(dialect, upstream, dialect.body(dialect.number.split()[0]))
    told = "\n".join(str(vars(record)) for record in caplog.records)
    assert "SMS gateway" in told
    for secret in (*SECRETS, CODE, MOBILE, "尊敬"):
        assert secret not in told
    assert not any(secret in repr(dialect.gateway(upstream.url)) for secret in SECRETS)


def test_threat_9_an_answer_that_repeats_what_we_sent_is_not_repeated(
    dialect: Dialect, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """For example a bridge that a developer is trying out."""
    for echo in (CODE, MOBILE, f"sent:{CODE}"):
        assert fail(dialect, upstream, dialect.body(echo)).detail.endswith("(no readable code)")
        assert CODE not in caplog.text
        assert MOBILE not in caplog.text


# ---------------------------------------------------------------- special cases of single vendors


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("触发分钟级流控Permits:1", 48), ("触发小时级流控Permits:5", 1848), ("触发天级流控Permits:10", 3600), ("", 60)],
)
def test_aliyun_counts_by_the_minute_and_the_hour_of_the_clock(upstream: Upstream, words: str, seconds: int) -> None:
    upstream.answer("/", {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": words})
    with time_machine.travel("2026-10-01T08:29:12Z", tick=False), pytest.raises(SmsVendorLimit) as limit:
        DIALECTS["aliyun"].gateway(upstream.url).send(MESSAGE)
    assert limit.value.retry_after == seconds


@pytest.mark.parametrize("name", ["tencent", "yuntongxun"])
def test_a_day_ends_at_midnight_in_beijing(upstream: Upstream, name: str) -> None:
    code = {"tencent": "LimitExceeded.PhoneNumberDailyLimit", "yuntongxun": "160040"}[name]
    with time_machine.travel("2026-10-01T15:00:00Z", tick=False), pytest.raises(SmsVendorLimit) as limit:
        send(DIALECTS[name], upstream, DIALECTS[name].body(code))
    assert limit.value.retry_after == 3601


def test_yuntongxun_had_the_message_already(upstream: Upstream) -> None:
    """The answer to our first try was lost on the way."""
    assert send(DIALECTS["yuntongxun"], upstream, DIALECTS["yuntongxun"].body("160054"))


@pytest.mark.parametrize("wait", [0, -1, "60", 1e9, None, True])
def test_a_bridge_that_names_no_sensible_time_means_a_minute(upstream: Upstream, wait: object) -> None:
    upstream.answer("/", {"code": "rate_limited", "retry_after": wait})
    with pytest.raises(SmsVendorLimit) as limit:
        DIALECTS["http"].gateway(upstream.url).send(MESSAGE)
    assert limit.value.headers == {"Retry-After": "60"}
