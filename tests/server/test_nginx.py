"""The nginx configuration of docs/en/how-to/production.md, in front of the reference server. Only addresses and files
differ.

Its deadlines are one second here. The server behind it has very long deadlines.
"""

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from server import demo
from server.processes import spawn, stop
from tests.support import certificate, documents, machine
from tests.support.ports import free_port
from tests.support.services import REQUIRE_ALL, valkey_server
from tests.support.site import serving
from tests.support.slow import slow_clients
from tests.support.stopwatch import Stopwatch

NGINX = next(iter(machine.commands("nginx")), None)
HOST = "shop.example.com"
#: The rest of a distribution's nginx.conf, around the block.
AROUND = """
daemon off;
pid {directory}/pid;
error_log {directory}/error.log;
{user}
events {{ worker_connections 768; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {block}
}}
"""


class Shop(NamedTuple):
    """The site behind nginx, and the server's log."""

    tls: int
    plain: int
    log: Path


def configuration(directory: Path, server: str, tls: int, plain: int) -> str:
    block = documents.code("how-to/production", "nginx")[0]
    pem = certificate.write(directory / "both.pem")
    for before, after in {
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "server 127.0.0.1:8000;": f"server {server};",
        "/etc/ssl/shop.example.com.pem;": f"{pem};",
        "/etc/ssl/shop.example.com.key;": f"{pem};",
        "client_header_timeout 10s;": "client_header_timeout 1s;",
        "client_body_timeout 10s;": "client_body_timeout 1s;",
    }.items():
        assert before in block
        block = block.replace(before, after)
    user = "user root;" if os.geteuid() == 0 else ""
    return AROUND.format(directory=directory, user=user, block=block)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """If nginx is missing, the tests are skipped, or fail where PHONEBIND_REQUIRE_ALL=1."""
    if not NGINX:
        (pytest.fail if REQUIRE_ALL else pytest.skip)("nginx is not installed (Debian: nginx-light)")
    directory = tmp_path_factory.mktemp("nginx")
    redis_url = valkey_server().url.replace("db=0", "db=4")
    environ = {"REDIS_URL": redis_url, "TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": f"127.0.0.1,{HOST}"}
    few = {"WORKERS": "1", "THREADS": "2", "REQUEST_DEADLINE": "600"}
    with serving(directory / "data", **environ, **few) as site:
        tls, plain = free_port(), free_port()
        file = directory / "nginx.conf"
        file.write_text(configuration(directory, urlsplit(site.url).netloc, tls, plain))
        with spawn([NGINX, "-e", directory / "error.log", "-c", file]) as nginx:
            try:
                wait_for(tls, directory / "error.log")
                yield Shop(tls, plain, directory / "data" / "log")
            finally:
                stop(nginx)


def wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())


class Client:
    """A client with one address, on one connection."""

    def __init__(self, shop: Shop, address: str = "127.0.0.1") -> None:
        """The machine has every address of 127.0.0.0/8."""
        self.connection = http.client.HTTPSConnection(
            "127.0.0.1", shop.tls, timeout=30, source_address=(address, 0), context=certificate.trusting()
        )

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:
        self.connection.request(method, path, body=body, headers={"Host": HOST} | (headers or {}))
        answer: http.client.HTTPResponse = self.connection.getresponse()
        self.body = answer.read()
        return answer


@pytest.fixture
def client(shop: Shop) -> Iterator[Client]:
    client = Client(shop, "127.0.0.2")
    yield client
    client.connection.close()


def test_a_sign_in_begins(client: Client) -> None:
    answer = client.ask("/oauth/qq/authorization/")
    assert answer.status == 200
    assert "state=" in json.loads(client.body)["login_url"]
    assert "Secure" in (answer.headers["Set-Cookie"] or ""), "it knows that it is HTTPS"
    page = client.ask("/login/")
    assert page.status == 200
    for file in re.findall(rb'(?:href|src)="(/static/[^"]+)"', client.body):
        assert client.ask(file.decode()).status == 200


def test_http_leads_to_https(shop: Shop) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shop.plain, timeout=10)
    connection.request("GET", "/login/?next=/cart", headers={"Host": HOST})
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/login/?next=/cart")


def test_threat_17_the_address_is_the_real_one(shop: Shop, client: Client) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "forged", "X-Forwarded-Proto": "http"}
    assert client.ask("/oauth/qq/user/?code=x&state=forged", headers=forged).status == 400
    last = [line for line in shop.log.read_text().splitlines() if "phonebind.audit" in line][-1]
    assert "address=127.0.0.2 " in f"{last} "
    assert re.search(r"request_id=[0-9a-f]{32}\b", last)


def test_threat_44_a_large_body_is_refused(client: Client) -> None:
    answer = client.ask("/login/", "POST", b"x" * 70_000)
    assert (answer.status, answer.headers["Server"]) == (413, "nginx")


def test_threat_44_a_body_as_large_as_may_be_arrives(client: Client) -> None:
    answer = client.ask("/oauth/qq/user/", "POST", b"x" * 65_536, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status < 413
    assert client.ask("/oauth/qq/authorization/", headers={"X-Long": "x" * 3_000}).status == 200


@pytest.mark.parametrize("kind", ["six bytes", "a head byte by byte", "half a body"])
def test_threat_44_slow_clients_are_cut(shop: Shop, client: Client, kind: str) -> None:
    with slow_clients(shop.tls, kind, 40, certificate.trusting()) as clients:
        assert clients.send_more() == 40
        assert client.ask("/login/").status == 200
        clients.wait_for_the_end(4)


def test_threat_44_a_body_byte_by_byte_is_nginx_s(shop: Shop, client: Client) -> None:
    """nginx does not end it while its bytes come. The server's two threads do not notice it."""
    with slow_clients(shop.tls, "a body byte by byte", 40, certificate.trusting()) as clients:
        for _ in range(5):
            with Stopwatch() as watch:
                assert client.ask("/login/").status == 200
            assert watch.seconds < 2
            assert clients.send_more() == 40


def test_a_flood_from_one_address_is_for_that_address(shop: Shop, client: Client) -> None:
    flood = Client(shop, "127.0.0.3")
    statuses = [flood.ask("/oauth/qq/authorization/").status for _ in range(150)]
    flood.connection.close()
    assert set(statuses) == {200, 429}
    assert client.ask("/oauth/qq/authorization/").status == 200


def test_the_admin_stays_inside(client: Client) -> None:
    assert client.ask("/admin/").status == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics/"])
@pytest.mark.parametrize("spelled", ["{}", "/{}", "/x/..{}", "/.{}", "{}?x", "{}#x", "/%2e{}"])
def test_threat_64_probes_and_metrics_stay_inside(client: Client, path: str, spelled: str) -> None:
    """A request with the token is refused too."""
    headers = {"Authorization": f"Bearer {demo.METRICS_TOKEN}"}
    answer = client.ask(spelled.format(path), headers=headers)
    assert (answer.status, b"nginx" in client.body) == (404, True)
    encoded = "".join(f"%{ord(letter):x}" if letter != "/" else letter for letter in path)
    assert client.ask(encoded, headers=headers).status == 404
