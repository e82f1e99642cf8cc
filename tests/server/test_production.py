"""The reference server with DEBUG off, as docs/en/how-to/production.md starts it, behind a proxy that ends TLS."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import pytest

from server.processes import spawn, stop
from tests.server.test_settings import PRODUCTION
from tests.support import documents
from tests.support.services import valkey_server

ROOT = Path(__file__).parents[2]
AS_IT_IS = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf"]
PLAIN = [sys.executable, "-m", "gunicorn", "server.wsgi"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("production")


@pytest.fixture(scope="module")
def environ(data: Path) -> dict[str, str]:
    """The whole environment: nothing comes from the environment of the tests."""
    [gateway] = [block for block in documents.code("how-to/sms/own", "python") if "class Example:" in block]
    # A directory as an older version left it.
    (data / "data").mkdir()
    (data / "data").chmod(0o755)
    (data / "data/db.sqlite3").touch()
    (data / "data/db.sqlite3").chmod(0o644)
    (data / "shop").mkdir()
    (data / "shop/__init__.py").touch()
    (data / "shop/sms.py").write_text(gateway)
    return PRODUCTION | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(data),
        "DATA_DIR": str(data / "data"),
        "STATIC_ROOT": str(data / "static"),
        "REDIS_URL": valkey_server().url.replace("db=0", "db=2"),
        "SMS_GATEWAY": "shop.sms.Example",
        "SMS_OPTIONS": json.dumps({"url": "https://sms.example.cn/send", "key": "not-the-docs"}),
        "TRUSTED_PROXIES": "1",
        "DRAIN": "0",  # no proxy is there to read the probes
    }


#: What a proxy may say of the visitor's connection, by the names that gunicorn knows.
TOLD = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Protocol", "ssl"), ("X-Forwarded-Ssl", "on")]


@contextmanager
def gunicorn(command: list[str], environ: dict[str, str], log: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The port, which the test holds until the server starts, and the process."""
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as output:
        bind = f"fd://{listener.fileno()}"
        process = spawn(
            [*command, "--bind", bind],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        with process:
            try:
                yield listener.getsockname()[1], process
            finally:
                stop(process, timeout=30)


@pytest.fixture(scope="module")
def port(data: Path, environ: dict[str, str]) -> Iterator[int]:
    with gunicorn(AS_IT_IS, environ, data / "log") as (port, process):
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            try:
                get(port, "/login/")
            except (OSError, HTTPException):
                continue
            yield port
            break
        else:
            raise AssertionError((data / "log").read_text())
    assert lines(data) == []


def get(port: int, path: str, scheme: str = "https", method: str = "GET") -> tuple[HTTPResponse, str]:
    """The answer to a request with the proxy's headers, and its body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": "shop.example.com", "X-Forwarded-Proto": scheme, "X-Forwarded-For": "192.0.2.1"}
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def test_the_pages_are_served_with_their_static_files(port: int) -> None:
    answer, page = get(port, "/login/")
    assert answer.status == 200
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert any(file.endswith(".css") for file in files)
    for file in files:
        answer, _ = get(port, file)
        assert (answer.status, "immutable" in (answer.headers["Cache-Control"] or "")) == (200, True), file


def test_a_sign_in_begins_with_a_host_cookie(port: int) -> None:
    answer, _ = get(port, "/login/qq/")
    assert (answer.headers["Location"] or "").startswith("https://graph.qq.com/oauth2.0/authorize?")
    cookies = answer.headers.get_all("Set-Cookie") or []
    assert cookies
    assert all(cookie.startswith("__Host-") and "Secure" in cookie for cookie in cookies)


def test_the_api_answers(port: int) -> None:
    answer, body = get(port, "/oauth/qq/authorization/")
    assert json.loads(body)["login_url"].startswith("https://graph.qq.com/oauth2.0/authorize?")
    assert answer.status == 200


def test_threat_22_there_is_no_sandbox(port: int) -> None:
    assert get(port, "/sandbox/")[0].status == 404


def test_threat_22_other_users_read_no_data_and_the_web_servers_the_static_files(port: int, data: Path) -> None:
    assert stat.S_IMODE((data / "data").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (data / "data").glob("db.sqlite3*")} == {0o600}
    static = [path for path in (data / "static").rglob("*") if path.is_file()]
    assert any(path.suffix == ".gz" for path in static)
    assert all(path.stat().st_mode & stat.S_IROTH for path in static)


def test_without_tls_it_sends_elsewhere(port: int) -> None:
    answer, _ = get(port, "/login/", scheme="http")
    assert (answer.status, answer.headers["Location"]) == (301, "https://shop.example.com/login/")


@pytest.mark.parametrize("command", [AS_IT_IS, PLAIN], ids=["as-it-is", "plain"])
def test_threat_22_it_does_not_start_where_it_would_print_codes(
    tmp_path: Path, environ: dict[str, str], command: list[str]
) -> None:
    environ = environ | {"SMS_GATEWAY": "phonebind.sms.console.Console", "SMS_OPTIONS": ""}
    with gunicorn(command, environ, tmp_path / "log") as (_, process):
        assert process.wait(30) != 0
    assert "phonebind.E005" in (tmp_path / "log").read_text()


TLS = b"X-Forwarded-Proto: https\r\n"
OURS = b"Host: shop.example.com\r\n" + TLS
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"
NO_BOUNDARY = b"Content-Type: multipart/form-data\r\n"
PART = b'--x\r\nContent-Disposition: form-data; name="a"%s\r\n\r\n1\r\n'
#: With this, Django reads the body to look for a CSRF token in it.
HEAD = b"""X-Forwarded-For: 192.0.2.1\r
Referer: https://shop.example.com/\r
Cookie: __Host-csrftoken=%s\r
""" % (b"a" * 32)
#: Headers and bodies that Django calls suspicious or cannot read.
SUSPICIOUS = {
    "too-many-fields": (OURS + FORM, b"a=1&" * 2_000),
    "too-many-parts": (OURS + MULTIPART, PART % b"" * 2_000 + b"--x--\r\n"),
    "too-many-files": (OURS + MULTIPART, PART % b'; filename="b"' * 200 + b"--x--\r\n"),
    "too-large": (OURS + FORM, b"a=" + b"x" * 3_000_000),
    "no-boundary": (OURS + NO_BOUNDARY, b"x"),
    "a-host-that-is-not-ours": (b"Host: evil.example\r\n" + TLS, b""),
    "a-host-that-is-none": (b"Host: a_b..:x\r\n" + TLS, b""),
    "a-host-that-is-not-ours-and-no-boundary": (b"Host: evil.example\r\n" + NO_BOUNDARY, b"x"),
}


@pytest.mark.parametrize("path", ["/admin/login/", "/nowhere/"])
@pytest.mark.parametrize("what", SUSPICIOUS)
def test_threat_48_what_a_visitor_sends_is_no_line_in_the_log(port: int, data: Path, what: str, path: str) -> None:
    headers, body = SUSPICIOUS[what]
    before = lines(data)
    length = b"Content-Length: %d\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # The server may answer and close the connection before it has read everything.
        with suppress(OSError):
            connection.sendall(b"POST %s HTTP/1.1\r\n%s%s%s\r\n" % (path.encode(), HEAD, headers, length))
            connection.sendall(body)
        with HTTPResponse(connection) as answer:
            answer.begin()
            too_long = len(body) > 65_536  # BODY_MAX: the server itself answers
            assert answer.status == (413 if too_long else 404 if path == "/nowhere/" and OURS in headers else 400)
    assert lines(data) == before


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login/", "/nowhere/", "/schema/", "a static file"])
def test_threat_48_a_head_request_is_no_line_in_the_log(port: int, data: Path, path: str) -> None:
    if path == "a static file":
        [path, *_] = re.findall(r'href="(/static/[^"]+\.css)"', get(port, "/login/")[1])
    before = lines(data)
    (whole, body), (head, nothing) = (get(port, path, method=method) for method in ("GET", "HEAD"))
    # Not compared byte by byte: a page has a new CSRF token each time.
    assert (head.status, head.headers["Content-Length"]) == (whole.status, str(len(body.encode())))
    assert (bool(body), nothing) == (True, "")
    assert lines(data) == before


def lines(data: Path) -> list[str]:
    """The lines of the log without the audit trail."""
    said = (data / "log").read_text().splitlines()
    return [line for line in said if " INFO phonebind.audit: " not in line]


def test_browsers_remember_to_come_by_tls_to_this_host_and_no_other(port: int) -> None:
    assert get(port, "/login/")[0].headers["Strict-Transport-Security"] == "max-age=31536000"


def test_plain_gunicorn_serves_too(port: int, tmp_path: Path, environ: dict[str, str]) -> None:
    """After the database is migrated and the static files are collected."""
    with gunicorn([*PLAIN, "--log-level", "warning"], environ, tmp_path / "log") as (plain, _):
        assert get(plain, "/login/")[0].status == 200


def test_threat_17_where_no_proxy_is_trusted_no_client_says_it_came_by_tls(
    port: int, tmp_path: Path, environ: dict[str, str]
) -> None:
    """Not from this machine either: another user, or a tunnel, may send the request."""
    with gunicorn(AS_IT_IS, environ | {"TRUSTED_PROXIES": "0"}, tmp_path / "log") as (alone, _):
        for name, value in TOLD:
            connection = HTTPConnection("127.0.0.1", alone, timeout=30)
            connection.request("GET", "/login/", headers={"Host": "shop.example.com", name: value})
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Location"]) == (301, "https://shop.example.com/login/"), name
            connection.close()
