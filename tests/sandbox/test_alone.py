"""The sandbox as a separate process. The test starts it and uses only what its output says."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import coverage
import pytest
import requests

from server.processes import spawn, stop
from tests.sandbox.receiver import receive
from tests.sandbox.test_sms_aliyun import SEND, VERIFY
from tests.sandbox.test_sms_tencent import SEND as SEND_TENCENT
from tests.sandbox.test_sms_webhook import SEND as SEND_HTTP
from tests.sandbox.test_sms_yuntongxun import SEND as SEND_YUNTONGXUN
from tests.sandbox.vendors import MOBILE, Aliyun, tencent, webhook, yuntongxun
from tests.support.stopwatch import Stopwatch

ROOT = Path(__file__).parents[2]
#: Its coverage is measured if ours is.
PYTHON = [sys.executable, *(["-m", "coverage", "run"] if coverage.Coverage.current() else [])]
#: It needs no settings module, and does not use one that is set in the environment.
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "src"), "DJANGO_SETTINGS_MODULE": "nowhere.settings", "TZ": "CST-8"}
CALLBACK = "http://localhost:8080/login/callback"
ANY = "0.0.0.0"  # noqa: S104


@dataclass(frozen=True)
class Alone:
    process: subprocess.Popen[str]
    said: str
    log: Path

    @property
    def url(self) -> str:
        """The address, with a slash at the end."""
        return self.after("runs on")

    def after(self, label: str) -> str:
        found = re.search(rf"{re.escape(label)} +(\S+)", self.said)
        assert found, self.said
        return found[1]

    def get(self, path: str, **how: Any) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=10, **how)

    def turn(self, **switches: str | bool) -> None:
        assert requests.post(f"{self.url}faults.json", json=switches, timeout=5).ok


@contextmanager
def start(tmp_path: Path, *flags: str, **environment: str) -> Iterator[Alone]:
    log = tmp_path / "log"
    command = [*PYTHON, "-m", "phonebind_sandbox", "--port=0", *flags]
    with log.open("w") as stderr:
        process = spawn(
            command, cwd=ROOT, env=ENVIRONMENT | environment, stdout=subprocess.PIPE, stderr=stderr, bufsize=1
        )
        with process:
            try:
                assert process.stdout
                said = []
                for line in process.stdout:
                    said.append(line)
                    if "Ctrl-C" in line:
                        yield Alone(process, "".join(said), log)
                        return
                raise AssertionError(log.read_text())
            finally:
                stop(process)


def refused(*flags: str, **environment: str) -> tuple[int, str]:
    """The exit code and the only line of output."""
    command = [*PYTHON, "-m", "phonebind_sandbox", *flags]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    with start(tmp_path_factory.mktemp("alone")) as alone:
        yield alone


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "alone" in request.fixturenames:
        request.getfixturevalue("alone").turn(reset=True)


def test_what_it_says_is_all_that_a_client_needs(alone: Alone) -> None:
    found = re.search(r"client_id (\w+), client_secret (\S+)", alone.said)
    assert found
    client = {"client_id": found[1], "redirect_uri": CALLBACK}
    page = requests.get(alone.after("authorize"), params={**client, "response_type": "code", "state": "s"}, timeout=5)
    assert 'name="person"' in page.text
    pressed = requests.post(page.url, {"person": "xiaolan"}, allow_redirects=False, timeout=5)
    location = pressed.headers["Location"]
    assert location.startswith(f"{CALLBACK}?")
    code = parse_qs(urlsplit(location).query)["code"][0]

    grant = {"grant_type": "authorization_code", "client_secret": found[2], "code": code, "fmt": "json"}
    token = requests.get(alone.after("token "), params=client | grant, timeout=5).json()["access_token"]
    me = requests.get(alone.after("openid"), params={"access_token": token, "fmt": "json"}, timeout=5).json()
    asked = {"access_token": token, "oauth_consumer_key": client["client_id"], "openid": me["openid"]}
    assert requests.get(alone.after("profile"), params=asked, timeout=5).json()["nickname"] == "小兰"


def test_the_line_that_sends_an_sms_does(alone: Alone) -> None:
    line = re.search(r"curl (\S+) -d '(.*)'", alone.said)
    assert line
    assert requests.post(line[1], line[2], timeout=5).json() == {"status": "ok"}
    [message] = requests.get(alone.after("/inbox/  and"), timeout=5).json()
    assert message["code"] == "482913"
    moment = datetime.fromisoformat(message["sent_at"])
    assert moment.utcoffset() == timedelta(hours=8)  # this machine's time zone, not Django's in Chicago
    assert f">{moment:%H:%M:%S}</time>" in requests.get(alone.after("SMS inbox"), timeout=5).text


def test_what_it_says_is_all_that_an_sms_gateway_needs(alone: Alone) -> None:
    found = re.search(r"AccessKey ID (\S+), secret (\S+)", alone.said)
    assert found
    host = urlsplit(alone.url).netloc
    for name, action, fields in [("aliyun", "SendSms", SEND), ("aliyun-pnvs", "SendSmsVerifyCode", VERIFY)]:
        assert alone.after(f"  {name} ") == f"{alone.url}{name}/"
        call = Aliyun(host, f"{name}/", *found.groups()).call(action, fields)
        assert call.send(alone.url).json["Code"] == "OK"
    found = re.search(r"SecretId (\S+), SecretKey (\S+)", alone.said)
    app_id = alone.after("SmsSdkAppId")
    assert found
    call = tencent("SendSms", SEND_TENCENT | {"SmsSdkAppId": app_id}, host, key=(found[1], found[2]))
    assert alone.after("  tencent ") == f"{alone.url}{call.path}"
    assert call.send(alone.url).json["Response"]["SendStatusSet"][0]["Code"] == "Ok"
    found = re.search(r"ACCOUNT SID (\S+), AUTH TOKEN (\S+), appId (\S+)", alone.said)
    assert found
    call = yuntongxun(SEND_YUNTONGXUN | {"appId": found[3]}, key=(found[1], found[2]))
    assert f"{alone.url}{call.path}".startswith(alone.after("  yuntongxun "))
    assert call.send(alone.url).json["statusCode"] == "000000"
    found = re.search(r"secret (whsec_\S+)", alone.said)
    assert found
    call = webhook(SEND_HTTP, secret=found[1])
    assert alone.after("  http ") == f"{alone.url}{call.path}"
    assert call.send(alone.url).json["code"] == "ok"
    messages = alone.get("inbox.json", params={"mobile": MOBILE}).json()
    assert [message["vendor"] for message in messages] == ["http", "yuntongxun", "tencent", "aliyun-pnvs", "aliyun"]
    assert {message["code"] for message in messages} == {"012345"}


def test_receipts_go_where_a_flag_says(tmp_path: Path) -> None:
    with receive() as receiver, start(tmp_path, f"--receipts=http={receiver.url}") as alone:
        assert f"http -> {receiver.url}" in alone.said
        assert webhook(SEND_HTTP).send(alone.url).json["code"] == "ok"
        _, _, body = receiver.came.get(timeout=10)
    assert json.loads(body)["id"] == SEND_HTTP["id"]


def test_its_pages_begin_at_the_root_and_have_their_style(alone: Alone) -> None:
    page = alone.get("")
    assert urlsplit(page.url).path == "/"
    [style] = re.findall(r'href="(/static/[^"]+)"', page.text)
    assert alone.get(style[1:]).headers["Content-Type"] == "text/css"
    for link in re.findall(r'<a href="(/[^"]*)"', page.text):
        assert alone.get(link[1:]).ok


def test_nobody_waits_for_whom_it_keeps_waiting(alone: Alone) -> None:
    alone.turn(me_network="hang")
    address = urlsplit(alone.url)
    with socket.create_connection((str(address.hostname), address.port or 0)) as waiting:
        waiting.sendall(b"GET /qq/oauth2.0/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with Stopwatch() as watch:
            assert alone.get("inbox.json").ok
        assert watch.seconds < 2
        waiting.settimeout(0.1)
        with pytest.raises(TimeoutError):
            waiting.recv(1)


def test_a_reset_is_one(alone: Alone) -> None:
    alone.turn(me_network="reset")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        alone.get("qq/oauth2.0/me")


@pytest.mark.parametrize("host", ["evil.example", "sandbox.evil.example", "127.0.0.1.evil.example"])
def test_no_page_has_its_own_name_lead_here(alone: Alone, host: str) -> None:
    answer = alone.get("inbox.json", headers={"Host": host})
    assert (answer.status_code, "--name" in answer.text) == (400, True)


def test_what_there_is_not_tells_nothing_of_the_process(alone: Alone) -> None:
    answer = alone.get("nowhere/")
    assert answer.status_code == 404
    assert "urls" not in answer.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_it_at_once_whoever_waits(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path) as alone:
        alone.turn(me_network="hang")
        address = urlsplit(alone.url)
        with socket.create_connection((str(address.hostname), address.port or 0)) as waiting:
            waiting.sendall(b"GET /qq/oauth2.0/me HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert alone.get("inbox.json").ok
            began = time.monotonic()
            alone.process.send_signal(number)
            assert alone.process.wait(10) == 0
            assert time.monotonic() - began < 5
    assert "Traceback" not in alone.log.read_text()


def test_a_busy_port_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        code, line = refused("--port", port)
    assert code == 1
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in line


@pytest.mark.parametrize("host", [ANY, "::", "192.0.2.1", "sandbox.example", "127.1"])
def test_other_machines_reach_it_only_where_that_is_said(host: str) -> None:
    code, line = refused("--host", host)
    assert (code, "--expose" in line) == (2, True)


def test_no_variable_exposes_it() -> None:
    code, line = refused(PHONEBIND_SANDBOX_HOST=ANY, PHONEBIND_SANDBOX_EXPOSE="1")
    assert (code, "--expose" in line) == (2, True)


def test_exposed_it_answers_under_its_names_alone(tmp_path: Path) -> None:
    with start(tmp_path, f"--host={ANY}", "--expose", "--name=sandbox.test", "--name=192.0.2.7") as exposed:
        port = urlsplit(exposed.url).port
        assert exposed.url == f"http://sandbox.test:{port}/"
        for host, status in [("sandbox.test", 200), ("192.0.2.7:9000", 200), ("localhost", 200), ("evil.test", 400)]:
            answer = requests.get(f"http://127.0.0.1:{port}/inbox.json", headers={"Host": host}, timeout=5)
            assert answer.status_code == status


def test_it_listens_on_ipv6(tmp_path: Path) -> None:
    with start(tmp_path, "--host=[::1]") as alone:
        assert alone.url.startswith("http://[::1]:")
        assert alone.get("inbox.json").json() == []


def test_flags_and_variables_name_apps_and_callbacks(tmp_path: Path) -> None:
    callbacks = "https://shop.example/cb http://localhost:3000/cb"
    flags = ("--app=7:s:1", "--name=www.meiduo.site")
    with start(tmp_path, *flags, PHONEBIND_SANDBOX_REDIRECT_URI=callbacks) as named:
        # A person who opens it under this name has the name in the hosts file.
        address = urlsplit(named.url)
        assert address.hostname == "www.meiduo.site"
        alone = replace(named, said=named.said.replace("www.meiduo.site", "127.0.0.1"))
        assert alone.get("inbox.json", headers={"Host": address.netloc}).ok
        assert "client_id 7, client_secret s:1\n" in alone.said
        assert "client_id 101000001" in alone.said
        for callback in callbacks.split():
            assert callback in alone.said
        for client_id in ("7", "101000001"):
            asked = {"client_id": client_id, "response_type": "code", "state": "s"}
            for callback, status in [*((callback, 200) for callback in callbacks.split()), (CALLBACK, 400)]:
                answer = alone.get("qq/oauth2.0/authorize", params={**asked, "redirect_uri": callback})
                assert answer.status_code == status


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("--port=http", "'http' is not a port"),
        ("--port=65536", "'65536' is not a port"),
        ("--port=-1", "'-1' is not a port"),
        ("--host=", "where to listen?"),
        ("--redirect-uri=/callback", "not a complete http(s) URL"),
        ("--redirect-uri=https://a.example/#x", "not a complete http(s) URL"),
        ("--app=7", "'7' is not ID:SECRET"),
        ("--app=:s", "':s' is not ID:SECRET"),
        ("--receipts=yuntongxun=http://localhost/", "'yuntongxun' sends no receipts; aliyun, "),
        ("--receipts=aliyun", "'' is not a complete http(s) URL"),
        ("--receipts=aliyun=/receipts", "'/receipts' is not a complete http(s) URL"),
        ("--name=*", "'*' is not a host name"),
        ("--name=.example", "'.example' is not a host name"),
        ("--expos", "unrecognized arguments: --expos"),
        ("serve", "unrecognized arguments: serve"),
    ],
)
def test_a_wrong_flag_is_told_in_a_line(flag: str, why: str) -> None:
    code, line = refused(flag)
    assert code == 2
    assert line.startswith("phonebind-sandbox: ")
    assert why in line


def test_a_wrong_variable_is_told_as_well() -> None:
    assert "'x' is not a port" in refused(PHONEBIND_SANDBOX_PORT="x")[1]


def test_a_host_that_is_not_ours_is_told_in_a_line() -> None:
    code, line = refused("--host=192.0.2.1", "--expose", "--port=0")
    assert (code, "cannot listen on 192.0.2.1" in line) == (1, True)


def test_it_explains_itself() -> None:
    command = [*PYTHON, "-m", "phonebind_sandbox", "--help"]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert {"--host", "--port", "--redirect-uri", "--app", "--name", "--receipts", "--expose"} <= set(
        re.findall(r"^  (--[a-z-]+)", done.stdout, re.MULTILINE)
    )


def test_the_switches_are_as_mounted(alone: Alone) -> None:
    alone.turn(callback="twice")
    assert json.loads(alone.get("faults.json").text)["callback"] == "twice"
