"""TCP ports for servers that tests start, and for addresses where no server is.

To ask the system for any free port is not enough: until the server starts, another process may be given the same port,
or a connection may be made from it. So each process of tests takes a block of its own. The blocks are below the ports
of outgoing connections (from 32,768 on Linux).
"""

import atexit
import functools
import itertools
import os
import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

_BLOCKS = range(10_000, 32_000, 200)


def free_port(*hosts: str) -> int:
    """A port where nobody listens at these addresses (127.0.0.1). No other process of tests is given it, and this
    process only after all other ports of its block.
    """
    for port in itertools.islice(_own_block(os.getpid()), _BLOCKS.step):
        with suppress(OSError), ExitStack() as stack:
            for host in hosts or ("127.0.0.1",):
                stack.enter_context(socket.create_server((host, port)))
            return port
    raise RuntimeError("Every port of this process is in use.")


def free_ports(count: int) -> list[int]:
    """Different ones, each as :func:`free_port`."""
    return [free_port() for _ in range(count)]


@functools.cache
def _own_block(pid: int) -> Iterator[int]:
    """Its ports, again and again. The block is ours as long as we listen at its first port: until this process ends.

    ``pid``: of this process. A child that was forked takes its own block.
    """
    for first in random.sample(_BLOCKS, len(_BLOCKS)):
        with suppress(OSError):
            atexit.register(socket.create_server(("127.0.0.1", first)).close)
            return itertools.cycle(range(first + 1, first + _BLOCKS.step))
    raise RuntimeError(f"Other processes use all blocks of ports from {_BLOCKS.start} on.")
