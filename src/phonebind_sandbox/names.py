"""Finds out whether a host name leads to this machine, and nowhere else.

Developers use names from their hosts file (``127.0.0.1 www.meiduo.site``). Only a DNS look-up can tell such names from
others.

Accepted risk: a look-up is valid only for a moment. The owner of a name may let it lead here during the look-up, and
elsewhere when the browser follows (DNS rebinding). Then the owner's server gets a code, and the browser shows the
owner's page. The code belongs to an invented person. It is valid only at this sandbox's own ``/token``, which answers
only under known names. All this is possible only if Django started with DEBUG on. For an app with ``redirect_uris``, no
name is looked up.
"""

import ipaddress
import re
import socket
import threading
import time
from functools import lru_cache
from queue import Empty, SimpleQueue

#: Seconds: the limit for a look-up, and how long its result is cached. The cache is short, so that a change of the
#: hosts file has effect soon.
PATIENCE = 1.0
HOLDS = 5
#: Maximum number of look-ups at the same time. A look-up that timed out continues until the resolver answers.
MOST = 4

#: Browsers and resolvers agree on these characters. (Only browsers read %6c as "l".)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")

_places = threading.BoundedSemaphore(MOST)


def is_loopback(host: str) -> bool:
    """Whether the name leads to this machine. Makes no look-up."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def leads_here(host: str) -> bool:
    """Whether the name leads to this machine: all of its addresses are loopback addresses. Makes a look-up if needed.

    Takes ``PATIENCE`` seconds at most. Without an answer by then, the result is False.
    """
    if is_loopback(host):
        return True
    return bool(_NAME.fullmatch(host)) and _found_here(host.lower(), int(time.monotonic() / HOLDS))


@lru_cache(256)
def _found_here(host: str, period: int) -> bool:
    addresses = _look_up(host)
    return bool(addresses) and all(map(is_loopback, addresses))


def _look_up(host: str) -> set[str]:
    """The addresses of the name. Empty if it has none, or if the resolver does not answer in time."""
    deadline = time.monotonic() + PATIENCE
    if not _places.acquire(timeout=PATIENCE):
        return set()
    found: SimpleQueue[set[str]] = SimpleQueue()
    # A resolver has no timeout that we could set. A daemon thread does not block the end of the process.
    try:
        threading.Thread(target=_ask, args=(host, found), daemon=True).start()
    except RuntimeError:  # no thread is available
        _places.release()
        return set()
    try:
        return found.get(timeout=max(0, deadline - time.monotonic()))
    except Empty:
        return set()


def _ask(host: str, found: "SimpleQueue[set[str]]") -> None:
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        found.put({str(address[0]) for *_, address in entries})
    except (OSError, UnicodeError):  # no such name; or a label is too long
        found.put(set())
    finally:
        _places.release()
