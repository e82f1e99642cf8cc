"""``manage.py phonebind_sms``, with real servers in the vendors' places."""

import base64
import json
import logging
import os
import pty
import re
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.core.management import CommandError, call_command
from django.utils import translation
from pytest_django import Settings

from phonebind import sms_codes
from phonebind.exceptions import SmsCodeInvalid, StorageUnavailable
from phonebind.sms.vendor import Vendor
from tests.support import certificate
from tests.support.edge import Configure, Outbox, Upstream
from tests.support.services import valkey_server
from tests.support.wire import FAULTS, Wire, serve

ROOT = Path(__file__).parents[2]
KEY = base64.b64encode(b"a key of twenty-four bytes").decode()
SECRET = f"whsec_{KEY}"
NO_MONEY = "the balance at the bridge's vendor is used up: pay there (out_of_balance)"
MOBILE = "13800000001"
TENCENT = {
    "gateway": "tencent",
    "secret_id": "AKIDexample",
    "secret_key": "tencents-secret",
    "sdk_app_id": "1400006666",
    "sign_name": "示例商城",
    "templates": {"bind": {"zh-hans": "1110", "en": "1111"}},
}
YUNTONGXUN = {
    "gateway": "yuntongxun",
    "account_sid": "8aaf",
    "auth_token": "yuntongxuns-secret",
    "app_id": "8abb",
    "templates": "1",
}


def http(url: str) -> dict[str, str]:
    return {"gateway": "http", "endpoint": url, "secret": SECRET}


def failover(*gateways: Mapping[str, Any]) -> dict[str, Any]:
    return {"gateway": "failover", "gateways": list(gateways)}


def run(*words: str) -> tuple[int, str, str]:
    """Run the command. Returns its exit status, its output and its error output."""
    out, err = StringIO(), StringIO()
    try:
        call_command("phonebind_sms", *words, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    assert not err.getvalue()
    return 0, out.getvalue(), ""


def manage(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in the reference server's project."""
    own = {name: value for name, value in os.environ.items() if name not in ("DEBUG", "DATABASE_URL")}
    qq = {"QQ_CLIENT_ID": "101999999", "QQ_CLIENT_SECRET": "x" * 32, "QQ_REDIRECT_URI": "https://shop.example/"}
    env = {**own, **qq, "DEBUG": "1", "SANDBOX": "0", "REDIS_URL": valkey_server().url, "NO_COLOR": "1", **environ}
    command = [sys.executable, "-m", "server.manage", "phonebind_sms", *words]
    return subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


# ---------------------------------------------------------------- send


def test_a_test_message_goes_out(phonebind: Configure, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.answer("/sms", {"code": "ok", "message_id": "m-1"})
    phonebind(sms=http(f"{upstream.url}/sms"), site_name="示例商城")
    with caplog.at_level(logging.INFO, "phonebind"):
        status, out, _ = run("send", "+86 138-0000-0001", "--yes")
    [(_, sent)] = upstream.requests
    assert (status, sent["to"], sent["purpose"], sent["language"]) == (0, f"+86{MOBILE}", "bind", "zh-hans")
    assert sent["text"].startswith(f"【示例商城】验证码{sent['code']}")
    assert out.splitlines() == [
        f"This sends one SMS to {MOBILE} by http (our own text). It costs what the vendor takes for one.",
        f"Sent. Our id: {sent['id']}. The vendor's: m-1.",
    ]
    assert [line.getMessage() for line in caplog.records] == ["A test SMS to 138****0001 by http: done"]
    assert sent["code"] not in f"{out}{caplog.text}"


def test_its_code_opens_nothing(phonebind: Configure, upstream: Upstream) -> None:
    upstream.answer("/sms", {"code": "ok"})
    phonebind(sms=http(f"{upstream.url}/sms"))
    assert run("send", MOBILE, "--yes")[0] == 0
    [(_, sent)] = upstream.requests
    with pytest.raises(SmsCodeInvalid):
        sms_codes.check(MOBILE, sent["code"], claimant="qq:somebody", address="192.0.2.1")


def test_each_has_another_code(phonebind: Configure, upstream: Upstream) -> None:
    upstream.answer("/sms", {"code": "ok"})
    phonebind(sms=http(f"{upstream.url}/sms"))
    for _ in range(3):
        run("send", MOBILE, "--yes")
    assert len({body["code"] for _, body in upstream.requests}) > 1


def test_it_names_all_who_may_send_it(phonebind: Configure, upstream: Upstream) -> None:
    upstream.answer("/sms", {"code": "ok"})
    phonebind(sms=failover(http(f"{upstream.url}/sms"), {**TENCENT, "endpoint": upstream.url}))
    _, out, _ = run("send", MOBILE, "--yes", "--language", "en")
    assert "by http (our own text), or else tencent (template 1111)." in out


@pytest.mark.parametrize(("name", "path"), [("http", "/first"), ("http:2", "/second")])
def test_one_of_several_can_be_named(phonebind: Configure, upstream: Upstream, name: str, path: str) -> None:
    upstream.answer("/first", {"code": "ok"})
    upstream.answer("/second", {"code": "ok"})
    phonebind(sms=failover(http(f"{upstream.url}/first"), http(f"{upstream.url}/second")))
    assert run("send", MOBILE, "--yes", "--gateway", name)[0] == 0
    assert upstream.paths == [path]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["12345"], "请输入11位手机号"),
        ([MOBILE, "--gateway", "aliyun"], "'aliyun' is not configured; PHONEBIND['SMS'] has http, tencent."),
        ([MOBILE, "--language", "x y"], "There is no language 'x y': write it as in LANGUAGES"),
        ([MOBILE, "--purpose", "marketing"], "invalid choice: 'marketing'"),
    ],
)
def test_what_it_cannot_understand(phonebind: Configure, words: list[str], told: str) -> None:
    phonebind(sms=failover(http("https://sms.example/"), TENCENT))
    with translation.override("zh-hans"):
        status, out, err = run("send", *words)
    assert status == 1
    assert out == ""
    assert told in err


@pytest.mark.parametrize("stdin", [StringIO("y\n"), None], ids=["a pipe", "closed"])
def test_without_a_terminal_it_must_be_told_to(
    phonebind: Configure, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, stdin: StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    phonebind(sms=http(f"{upstream.url}/sms"))
    status, out, err = run("send", MOBILE)
    assert (status, err) == (1, "There is no terminal for the question: add --yes.")
    assert "It costs" in out
    assert upstream.requests == []


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 1), ("Yes\n", 1), ("\n", 0), ("n\n", 0), ("\x04", 0)])
def test_at_a_terminal_it_asks(
    phonebind: Configure, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, answer: str, sent: int
) -> None:
    upstream.answer("/sms", {"code": "ok"})
    phonebind(sms=http(f"{upstream.url}/sms"))
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    with open(theirs) as terminal, os.fdopen(ours):  # noqa: PTH123 - a descriptor is no path
        monkeypatch.setattr(sys, "stdin", terminal)
        status, out, err = run("send", MOBILE)
    assert "Send it? [y/N]" in out
    assert (status, len(upstream.requests)) == (1 - sent, sent)
    assert (err == "Nothing was sent.") is (not sent)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "out_of_balance",
            f"Not sent. You must repair this: {NO_MONEY}.",
        ),
        ("unavailable", "Not sent: the vendor takes no SMS now (unavailable). The cause is the vendor or the network"),
        ("timeout", "Nobody knows whether it was sent: the vendor does not say whether it sent (timeout)."),
        ("delivery_rejected", "Not sent: the vendor sends nothing to this number (it says delivery_rejected)."),
        (
            "rate_limited",
            "Not sent: the vendor's own limit for this number is used up (it says rate_limited). Try again in 77 s",
        ),
        (
            "验证码 012345",
            "Nobody knows whether it was sent: the vendor does not say whether it sent (no readable code).",
        ),
    ],
)
def test_each_outcome_in_words(phonebind: Configure, upstream: Upstream, code: str, told: str) -> None:
    upstream.answer("/sms", {"code": code, "retry_after": 77})
    phonebind(sms=http(f"{upstream.url}/sms"))
    for _ in range(2):  # the log has it once a minute, and the command prints it always
        status, _, err = run("send", MOBILE, "--yes")
        assert status == 1
        assert err.startswith(told)
        assert SECRET not in err


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AuthFailure.SignatureExpire", "this server's clock is wrong: set it by NTP (AuthFailure.SignatureExpire)"),
        ("UnauthorizedOperation.ServiceSuspendDueToArrears", "the account owes money: pay in the console (Unauth"),
        ("UnauthorizedOperation.SerivceSuspendDueToArrears", "the account owes money: pay in the console (Unauth"),
        (
            "UnauthorizedOperation.RequestIpNotInWhitelist",
            "this server's address is not allowed: add it in the console",
        ),
        ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "sdk_app_id is none of this account: take it from the list"),
        ("AuthFailure.UnauthorizedOperation", "the CAM user may not do this: grant it sms:SendSms"),
        ("NoSuchVersion", "endpoint belongs to another product: remove this option (NoSuchVersion)"),
        ("FailedOperation.InsufficientBalanceInSmsPackage", "the package is used up: buy one in the console (FailedOp"),
    ],
)
def test_the_vendors_codes_are_explained(phonebind: Configure, upstream: Upstream, code: str, told: str) -> None:
    upstream.answer("/", {"Response": {"Error": {"Code": code, "Message": "a text of theirs"}, "RequestId": "r"}})
    phonebind(sms={**TENCENT, "endpoint": upstream.url})
    _, _, err = run("send", MOBILE, "--yes")
    assert err.startswith(f"Not sent. You must repair this: {told}")
    assert "of theirs" not in err


def test_what_each_of_several_said(phonebind: Configure, upstream: Upstream) -> None:
    upstream.answer("/first", {"code": "out_of_balance"})
    upstream.answer("/second", {"code": "unavailable"})
    phonebind(sms=failover(http(f"{upstream.url}/first"), http(f"{upstream.url}/second")))
    _, _, err = run("send", MOBILE, "--yes")
    assert err.startswith(f"Not sent: http: {NO_MONEY}; http: the vendor takes no SMS now (unavailable).")


def test_one_that_nobody_can_reach_and_one_that_hangs_up(phonebind: Configure) -> None:
    phonebind(sms=http("http://127.0.0.1:1/"))
    assert run("send", MOBILE, "--yes")[2].startswith(
        "Not sent: the vendor cannot be reached (ConnectionRefusedError)."
    )
    with serve(FAULTS["hangs up"]) as server:
        phonebind(sms=http(server.url))
        _, _, err = run("send", MOBILE, "--yes")
    assert "Nobody knows whether it was sent: the vendor gives no whole answer" in err


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StorageUnavailable(), "Not sent: Valkey or Redis does not answer."),
        (RuntimeError(SECRET), "Nobody knows whether it was sent: the gateway raised RuntimeError"),
    ],
)
def test_what_else_a_gateway_may_raise(phonebind: Configure, error: Exception, told: str) -> None:
    Outbox.error = error
    _, _, err = run("send", MOBILE, "--yes")
    assert err.startswith(told)
    assert SECRET not in err


def test_one_of_the_hosts_that_says_nothing(phonebind: Configure) -> None:
    assert run("send", MOBILE, "--yes")[1].endswith("The vendor's: none.\n")
    Outbox.refuse = True
    assert run("send", MOBILE, "--yes")[2].startswith("Not sent: the gateway gives no reason.")


def test_nothing_is_sent_by_a_gateway_whose_options_are_wrong(phonebind: Configure) -> None:
    phonebind(sms={**TENCENT, "sdk_app_id": "", "templates": ""})
    status, _, err = run("send", MOBILE, "--yes")
    assert status == 1
    assert err.splitlines() == [
        "tencent: sdk_app_id must be a str, not empty, without white space around it",
        "tencent: templates is empty, or has white space around it",
    ]


# ---------------------------------------------------------------- balance


def test_what_is_left(phonebind: Configure, upstream: Upstream) -> None:
    package = {"PackageId": 7, "PackageAmount": 1000, "CurrentUsage": 988, "PackageExpiredTime": 1790841600}
    upstream.answer("/", {"Response": {"SmsPackagesStatisticsSet": [package], "RequestId": "r"}})
    upstream.answer("/2013-12-26/Accounts/8aaf/AccountInfo", {"statusCode": "000000", "Account": {"balance": "8.5"}})
    phonebind(
        sms=failover(
            {**TENCENT, "endpoint": upstream.url},
            {**YUNTONGXUN, "endpoint": upstream.url},
            {"gateway": "aliyun-pnvs", "access_key_id": "a", "access_key_secret": "s", "sign_name": "速通互联验证码"},
            http(upstream.url),
        )
    )
    status, out, _ = run("balance")
    assert status == 0
    assert out.splitlines() == [
        "tencent: package 7, good until 2026-10-01: 12 of 1000 SMS",
        "yuntongxun: account: 8.50 yuan",
        "aliyun-pnvs: names no balance; see https://dypns.console.aliyun.com.",
        "http: names no balance; see the vendor's console.",
    ]
    assert [headers["X-TC-Action"] for headers, _ in upstream.raw] == ["SmsPackagesStatistics", None]
    assert upstream.raw[1][0]["Authorization"]
    asked = json.loads(upstream.raw[0][1])
    for hour in ("BeginTime", "EndTime"):
        assert re.fullmatch(r"20\d{8}", asked.pop(hour))
    assert asked == {"SmsSdkAppId": "1400006666", "Limit": 500, "Offset": 0}


def test_one_of_the_hosts_has_no_balance(phonebind: Configure) -> None:
    status, out, _ = run("balance")
    assert (status, out) == (
        0,
        "tests.support.edge.Outbox: names no balance; see the vendor's console.\n",
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound"}}},
            "secret_id or secret_key is wrong: compare both with the CAM console (AuthFailure.SecretIdNotFound)",
        ),
        ({"Response": {"Error": {"Code": "验证"}}}, "the vendor refuses to say (no readable code)"),
        ({"Response": {}}, "its answer cannot be read (status 200)"),
        (b"<html>", "its answer cannot be read (status 200)"),
        (
            {"Response": {"SmsPackagesStatisticsSet": [{"PackageExpiredTime": 10**20}]}},
            "its answer cannot be read (status 200)",
        ),
    ],
)
def test_a_balance_that_is_not_told(phonebind: Configure, upstream: Upstream, body: Any, told: str) -> None:
    upstream.answer("/", body)
    phonebind(sms={**TENCENT, "endpoint": upstream.url})
    status, out, err = run("balance")
    assert (status, out) == (1, "")
    assert err.splitlines() == [f"tencent: {told}", "PHONEBIND['SMS']: 1 problem, see above."]


def test_what_a_vendor_must_bring() -> None:
    for method in (Vendor().call, Vendor().read, Vendor().left):
        with pytest.raises(NotImplementedError):
            method(None)  # type: ignore[arg-type]
    assert Vendor().balance() == []


def test_yuntongxun_refuses(phonebind: Configure, upstream: Upstream) -> None:
    upstream.answer("/2013-12-26/Accounts/8aaf/AccountInfo", {"statusCode": "111141"})
    phonebind(sms={**YUNTONGXUN, "endpoint": upstream.url})
    assert run("balance")[2].startswith(
        "yuntongxun: account_sid is unknown or disabled: compare it with the console (111141)\n"
    )


def test_one_wrong_gateway_hides_no_other(phonebind: Configure, upstream: Upstream) -> None:
    upstream.answer("/2013-12-26/Accounts/8aaf/AccountInfo", {"statusCode": "000000", "Account": {"balance": "8.5"}})
    tencent = {**TENCENT, "endpoint": "http://127.0.0.1:1"}
    phonebind(sms=failover({"gateway": "tencnet"}, tencent, {**YUNTONGXUN, "endpoint": upstream.url}))
    status, out, err = run("balance")
    assert (status, out) == (1, "yuntongxun: account: 8.50 yuan\n")
    assert err.splitlines()[0].startswith("tencnet: there is no gateway 'tencnet'")
    assert err.splitlines()[1] == "tencent: no whole answer came (ConnectionRefusedError)"


# ---------------------------------------------------------------- check


def test_what_each_purpose_and_language_gets(phonebind: Configure, upstream: Upstream) -> None:
    phonebind(sms=failover({**TENCENT, "endpoint": upstream.url}, http(upstream.url)), site_name="示例商城")
    status, out, _ = run("check")
    assert status == 0
    assert out.splitlines() == [
        "tencent: bind in zh-hans: template 1110",
        "tencent: bind in en: template 1111",
        "http: bind in zh-hans, en: our own text",
    ]
    assert upstream.requests == []


def test_a_hundred_languages_are_a_line(phonebind: Configure, upstream: Upstream, settings: Settings) -> None:
    settings.LANGUAGES = global_settings.LANGUAGES  # those of a new project
    phonebind(sms=failover({**TENCENT, "endpoint": upstream.url}, http(upstream.url)), site_name="示例商城")
    assert run("check")[1].splitlines() == [
        "tencent: bind in every other language: template 1110",
        "tencent: bind in en, en-au, en-gb: template 1111",
        "http: bind in every language: our own text",
    ]


def test_what_the_system_checks_say(phonebind: Configure) -> None:
    phonebind(
        sms=failover({**TENCENT, "sdk_app_id": ""}, http("https://sms.example/")),
        limits={"sms_mobile_day": (6, 86_400)},
    )
    status, out, err = run("check")
    assert status == 1
    problem = "gateways[0] tencent: sdk_app_id must be a str, not empty, without white space around it"
    assert f"phonebind.E005: PHONEBIND['SMS']: {problem}" in err.splitlines()
    assert (
        "phonebind.W006: PHONEBIND['LIMITS']: sms_mobile_open_day leaves nothing of sms_mobile_day." in out.splitlines()
    )
    assert "http: bind in zh-hans, en: our own text" in out


@pytest.mark.parametrize("sms", ["http", None, 7, {}, {"gateway": 7}, {"gateway": "celery", "gateways": 3}])
@pytest.mark.parametrize("words", [["check", "--online"], ["balance"], ["send", MOBILE, "--yes"]])
def test_whatever_the_setting_is_there_is_no_traceback(phonebind: Configure, sms: Any, words: list[str]) -> None:
    phonebind(sms=sms)
    status, _, err = run(*words)
    assert status == 1
    assert err


def test_a_setting_that_nobody_knows(phonebind: Configure) -> None:
    phonebind(smss={})
    for words in (["check"], ["balance"], ["send", MOBILE]):
        status, _, err = run(*words)
        assert (status, "smss" in err.lower()) == (1, True)


def dated(seconds: float) -> Any:
    """A server whose clock is that much ahead."""

    def behaviour(wire: Wire) -> None:
        date = formatdate(time.time() + seconds, usegmt=True)
        wire.say(f"HTTP/1.1 403 Forbidden\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())

    return behaviour


def looked(phonebind: Configure, url: str) -> tuple[int, str]:
    phonebind(sms=http(url), site_name="店")
    status, out, err = run("check", "--online")
    return status, (err.splitlines()[0] if status else out.splitlines()[-1])


def test_a_vendor_that_is_there(phonebind: Configure) -> None:
    with serve(dated(1)) as server:
        told = looked(phonebind, f"{server.url}/v1/sms?a=b")
        host = server.url.removeprefix("http://")
        assert told == (0, f"http: {host} answers in plain text, and this server's clock agrees with the vendor's.")
        assert server.requests == [b"HEAD / HTTP/1.1"]


@pytest.mark.parametrize(("seconds", "side"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_clock_that_is_wrong(phonebind: Configure, seconds: int, side: str) -> None:
    with serve(dated(seconds)) as server:
        status, told = looked(phonebind, server.url)
    assert status == 1
    assert "answers in plain text, but this server's clock is wrong: set it by NTP (it is 3" in told
    assert told.endswith(f" s {side} the vendor's)")


@pytest.mark.parametrize("fault", ["hangs up", "hangs before the headers", "is not HTTP", "hangs in the body"])
def test_a_vendor_that_names_no_time(phonebind: Configure, fault: str) -> None:
    phonebind(total_timeout=0.3)
    with serve(FAULTS[fault]) as server:
        status, told = looked(phonebind, server.url)
    assert status == 0
    assert told.endswith(" and names no time to compare this server's clock with.")


@pytest.mark.parametrize("year", ["99999", "9" * 20])
def test_a_vendor_whose_date_is_none(phonebind: Configure, year: str) -> None:
    head = f"HTTP/1.1 403 Forbidden\r\nDate: Mon, 01 Jan {year} 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n".encode()
    with serve(lambda wire: wire.say(head)) as server:
        status, told = looked(phonebind, server.url)
    assert (status, told.endswith(" and names no time to compare this server's clock with.")) == (0, True)


def test_a_vendor_that_is_not_there(phonebind: Configure) -> None:
    status, told = looked(phonebind, "http://127.0.0.1:1/")
    assert status == 1
    assert told.startswith("http: no connection to 127.0.0.1:1 (ConnectionRefusedError): check the firewall")


@pytest.mark.parametrize("host", ["sms.invalid", f"{'a' * 64}.example"])
def test_a_vendor_that_has_no_address(phonebind: Configure, host: str) -> None:
    assert looked(phonebind, f"https://{host}/") == (1, f"http: {host} cannot be resolved: check this server's DNS")


@contextmanager
def secure(pem: Path) -> Iterator[str]:
    """A server that speaks TLS; its URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Quiet(BaseHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Write nothing to the terminal."""


def test_a_vendor_by_tls(phonebind: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate.write(tmp_path / "pem", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with secure(pem) as url:
        status, told = looked(phonebind, url)
    assert status == 0
    assert told.endswith(" answers by TLSv1.3, and this server's clock agrees with the vendor's.")


def test_a_certificate_that_nobody_signed(phonebind: Configure, tmp_path: Path) -> None:
    with secure(certificate.write(tmp_path / "pem", "127.0.0.1")) as url:
        told = looked(phonebind, url)
    assert told == (1, f"http: no TLS with {url.removeprefix('https://')}: self-signed certificate")


def test_tls_where_there_is_none(phonebind: Configure) -> None:
    with serve(FAULTS["hangs up"]) as server:
        status, told = looked(phonebind, server.url.replace("http", "https"))
    assert status == 1
    assert told.startswith(f"http: no TLS with {server.url.removeprefix('http://')}: ")


def test_one_without_an_address(phonebind: Configure) -> None:
    status, out, _ = run("check", "--online")
    assert status == 0
    assert out.splitlines()[-1] == "tests.support.edge.Outbox: has no address to check."


def test_the_sandbox_has_one(phonebind: Configure, upstream: Upstream) -> None:
    phonebind(sms={"gateway": "sandbox", "url": f"{upstream.url}/sandbox/sms/"})
    status, out, _ = run("check", "--online")
    assert status == 0
    assert "answers in plain text" in out


# ---------------------------------------------------------------- started as a command


def test_with_debug_off_and_settings_that_no_check_passes() -> None:
    """One line for each, and no secret in any line."""
    options = json.dumps({"endpoint": "http://sms.example/", "secret": KEY})
    environ = {"DEBUG": "0", "SECRET_KEY": "0123456789" * 6, "ALLOWED_HOSTS": "shop.example", "TRUSTED_PROXIES": "1"}
    done = manage("check", SMS_GATEWAY="http", SMS_OPTIONS=options, **environ)
    assert done.returncode == 1
    assert "phonebind.E005: PHONEBIND['SMS']: endpoint is not https\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert KEY not in f"{done.stdout}{done.stderr}"


def test_as_a_command_it_sends(upstream: Upstream) -> None:
    upstream.answer("/sms", {"code": "ok", "message_id": "m-1"})
    options = json.dumps({"endpoint": f"{upstream.url}/sms", "secret": SECRET})
    done = manage("send", MOBILE, "--yes", SMS_GATEWAY="http", SMS_OPTIONS=options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("The vendor's: m-1.\n")
    assert len(upstream.requests) == 1


def test_an_error_reads_as_one_line(upstream: Upstream) -> None:
    upstream.answer("/sms", {"code": "out_of_balance"})
    options = json.dumps({"endpoint": f"{upstream.url}/sms", "secret": SECRET})
    done = manage("send", MOBILE, "--yes", SMS_GATEWAY="http", SMS_OPTIONS=options)
    assert done.returncode == 1
    assert f"CommandError: Not sent. You must repair this: {NO_MONEY}." in done.stderr
    assert "Traceback" not in done.stderr
