"""Checks whether this server can reach a vendor, and whether their clocks agree. Signs nothing and sends no SMS."""

import http.client
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from phonebind.conf import conf
from phonebind.sms.vendor import CLOCK

#: Seconds. The strictest vendor refuses a signature that is five minutes old.
SKEW = 60


class Finding(NamedTuple):
    is_problem: bool
    text: str


def look(url: str) -> Finding:
    """The finding for this address, or the first problem on the way to it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Finding(is_problem=True, text=f"{host} cannot be resolved: check this server's DNS")
    try:
        sock = _connect([address for *_, address in addresses])
    except OSError as error:
        why = type(error).__name__
        told = f"no connection to {host}:{port} ({why}): check the firewall for outgoing connections to this port"
        return Finding(is_problem=True, text=told)
    with sock:
        return _speak(sock, host, f"{host}:{port}", parts.scheme == "https")


def _connect(addresses: list[tuple[object, ...]]) -> socket.socket:
    failure = OSError()
    for address in addresses:
        try:
            return socket.create_connection((str(address[0]), int(str(address[1]))), timeout=conf.connect_timeout)
        except OSError as error:
            failure = error
    raise failure


def _speak(sock: socket.socket, host: str, where: str, is_secure: bool) -> Finding:
    sock.settimeout(conf.total_timeout)
    safety = "in plain text"
    if is_secure:
        try:
            tls = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except (OSError, ValueError) as error:
            why = getattr(error, "verify_message", "") or type(error).__name__
            return Finding(is_problem=True, text=f"no TLS with {where}: {why}")
        sock, safety = tls, f"by {tls.version()}"
    with sock:
        date = _date(sock, where)
    return _compared(f"{where} answers {safety}", date)


def _date(sock: socket.socket, where: str) -> str:
    """The ``Date`` of the answer, or "" if there is none."""
    try:
        sock.sendall(f"HEAD / HTTP/1.1\r\nHost: {where}\r\nUser-Agent: phonebind\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(sock, method="HEAD")
        answer.begin()
        return answer.headers.get("Date") or ""
    except (OSError, http.client.HTTPException):
        return ""


def _compared(told: str, date: str) -> Finding:
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return Finding(is_problem=False, text=f"{told}, and names no time to compare this server's clock with")
    skew = time.time() - theirs
    if abs(skew) >= SKEW:
        side = "ahead of" if skew > 0 else "behind"
        return Finding(is_problem=True, text=f"{told}, but {CLOCK} (it is {abs(skew):.0f} s {side} the vendor's)")
    return Finding(is_problem=False, text=f"{told}, and this server's clock agrees with the vendor's")
