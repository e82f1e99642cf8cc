"""Which host names lead to this machine, and nowhere else.

Shops develop under names of their hosts file (``127.0.0.1 www.meiduo.site``), which only a lookup can tell from others.

What is given up: a lookup is about this moment. Whoever owns a name may have it lead here while we look, and elsewhere
when the browser follows (DNS rebinding). Their server then gets a code, and the browser lands on their page. The code
is that of a made-up person, and good for nothing but this sandbox's own ``/token``, which answers under known names
alone. All of it happens only where Django started with DEBUG on. For an app with ``redirect_uris`` no name is looked
up.
"""

import ipaddress
import re
import socket
import threading
import time
from functools import lru_cache
from queue import Empty, SimpleQueue

#: Seconds that a lookup may take, and for which its result holds: whoever edits the hosts file need not wait for it.
PATIENCE = 1.0
HOLDS = 5
#: How many lookups may go on at once. One that was given up goes on until the resolver answers.
MOST = 4

#: Of these characters browsers and resolvers make the same name. (%6c is an "l" to browsers alone.)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")

_places = threading.BoundedSemaphore(MOST)


def is_loopback(host: str) -> bool:
    """Whether the name leads to this machine, without asking anybody."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def leads_here(host: str) -> bool:
    """Whether the name leads to this machine, with a lookup where that is needed: all of its addresses are loopback.

    Takes ``PATIENCE`` at most. A name that nobody could tell of by then does not lead here.
    """
    if is_loopback(host):
        return True
    return bool(_NAME.fullmatch(host)) and _found_here(host.lower(), int(time.monotonic() / HOLDS))


@lru_cache(256)
def _found_here(host: str, period: int) -> bool:
    addresses = _look_up(host)
    return bool(addresses) and all(map(is_loopback, addresses))


def _look_up(host: str) -> set[str]:
    """Its addresses; none where there are none, or nobody can tell in time."""
    deadline = time.monotonic() + PATIENCE
    if not _places.acquire(timeout=PATIENCE):
        return set()
    found: SimpleQueue[set[str]] = SimpleQueue()
    # A resolver has no deadline that we could set, and the process must not wait for it at its end.
    try:
        threading.Thread(target=_ask, args=(host, found), daemon=True).start()
    except RuntimeError:  # no thread to be had
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
    except (OSError, UnicodeError):  # no such name; a label that is too long
        found.put(set())
    finally:
        _places.release()
