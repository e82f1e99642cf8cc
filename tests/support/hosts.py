"""Several hosts by name, over TLS and over plain HTTP, for a browser that finds all of them on this machine.

``shop.example`` is the site under test, behind a proxy that ends TLS as a shop's nginx does. Every other name belongs
to another site, and serves the pages that a test has put there.
"""

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SHOP = "https://shop.example"
#: Another host of the same site: it may set cookies for all of ``shop.example``.
SIBLING = "evil.shop.example"
#: Another site.
EVIL = "https://evil.example"
#: A front end on another site, which the shop allows.
FRONT = "https://front.example"

_HTML = b"Content-Type: text/html; charset=utf-8"
_GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Hosts:
    """All the names. ``upstream`` is the address at which the site really listens."""

    upstream: str
    https: int = 0
    http: int = 0
    #: The requests of browsers to the shop, and the status of each answer: ``("GET", "/login/", 200)``.
    answers: list[tuple[str, str, int]] = field(default_factory=list)
    #: The heads of the requests to the other hosts, byte for byte.
    heads: list[bytes] = field(default_factory=list)
    pages: dict[str, bytes] = field(default_factory=dict)

    def put(self, url: str, body: str, *headers: bytes) -> str:
        """Serve this page at this URL, with these headers. Returns the URL."""
        content = body.encode()
        lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(content), b"Connection: close", _HTML, *headers]
        self.pages[url] = b"\r\n".join([*lines, b"", content])
        return url

    @property
    def flags(self) -> list[str]:
        """Flags for Chromium: the addresses of the names, and that it trusts their certificate."""
        rules = f"MAP *.example:443 127.0.0.1:{self.https}, MAP *.example:80 127.0.0.1:{self.http}"
        return [f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]


@contextmanager
def serving(upstream: str, directory: Path) -> Iterator[Hosts]:
    """The names, each with port 443 and port 80 as the browser sees them. The certificate is written to
    ``directory``.
    """
    hosts = Hosts(upstream)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(_certificate(directory / "certificate.pem"))
    with _listening(hosts, tls) as hosts.https, _listening(hosts, None) as hosts.http:
        yield hosts


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    hosts: Hosts
    tls: ssl.SSLContext | None

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:
            # The handshake happens at the first read, in the thread of the connection.
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The browser opens connections ahead of time, and closes those that it does not use."""


class _Handler(socketserver.StreamRequestHandler):
    """One request for each connection. Bytes are passed on unchanged: the tests check the bytes of a cookie's name."""

    server: _Server

    def handle(self) -> None:
        lines = list(iter(self.rfile.readline, b"\r\n"))
        if not lines or not lines[-1]:
            return
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
        body = self.rfile.read(int(fields.get(b"content-length", b"0")))
        scheme, host = "https" if self.server.tls else "http", fields[b"host"].decode()
        if f"https://{host}" == SHOP:
            self._forward(lines, body, scheme)
        else:
            hosts, path = self.server.hosts, lines[0].split()[1].decode()
            hosts.heads.append(b"".join(lines))
            self.wfile.write(hosts.pages.get(f"{scheme}://{host}{path}", _GONE))

    def _forward(self, lines: list[bytes], body: bytes, scheme: str) -> None:
        ours = (b"connection:", b"x-forwarded-")
        head = [lines[0], *(line for line in lines[1:] if not line.lower().startswith(ours))]
        head.append(f"X-Forwarded-For: {self.client_address[0]}\r\n".encode())
        head.append(f"X-Forwarded-Proto: {scheme}\r\nConnection: close\r\n\r\n".encode())
        place = urlsplit(self.server.hosts.upstream)
        with socket.create_connection((place.hostname or "", place.port or 80)) as upstream:
            upstream.sendall(b"".join(head) + body)
            # The answer is small and the last one of the connection, so it is read in one piece.
            answer = b"".join(iter(lambda: upstream.recv(65536), b""))
        method, path, _ = lines[0].decode().split()
        self.server.hosts.answers.append((method, path, int(answer.split(maxsplit=2)[1])))
        self.wfile.write(answer)


@contextmanager
def _listening(hosts: Hosts, tls: ssl.SSLContext | None) -> Iterator[int]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.hosts, server.tls = hosts, tls
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def _certificate(path: Path) -> Path:
    """A self-signed certificate for all the names, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests of phonebind")])
    names = [urlsplit(SHOP).netloc, SIBLING, urlsplit(EVIL).netloc, urlsplit(FRONT).netloc]
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in names]), critical=False)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, *form) + made.sign(key, hashes.SHA256()).public_bytes(pem))
    return path
