"""Whether a sign-in costs more with many bound people, and how much Valkey memory an unfinished sign-in takes."""

import json
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import psutil
import psycopg
import redis

from bench import pending
from bench.contenders import CLIENT_ID, Site
from bench.contenders.phonebind import CONTENDER
from bench.load import Load
from bench.machine import Machine, cpu_seconds, family, populate
from bench.parts import python, scale
from bench.report import Block, Table
from bench.upstream import openid
from server.processes import Valkey

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "10000,1000000,10000000").split(",")]
AT_ONCE = (1, 8)
ROUNDS = scale(4, 2)
SIGN_INS = scale(800, 100)
WARM_UP = scale(500, 30)
PENDING = scale(100_000, 2000)


@dataclass(frozen=True)
class Sample:
    """One round: CPU milliseconds of a sign-in, and latency in milliseconds."""

    server: float
    postgres: float
    p50: float
    p99: float

    @property
    def cpu(self) -> float:
        return self.server + self.postgres


def run(machine: Machine, load: Load) -> list[Table | Block]:
    sites = {size: machine.site(CONTENDER, database=f"{CONTENDER.name}_{size}") for size in SIZES}
    for size, site in sites.items():
        populate(site, CONTENDER, size)
    return [_growth(machine, load, sites), _plans(machine, load, sites), _pending(machine)]


def _growth(machine: Machine, load: Load, sites: dict[int, Site]) -> Table:
    samples: dict[tuple[int, int], list[Sample]] = {(size, at_once): [] for size in sites for at_once in AT_ONCE}
    # If there are enough people, no person comes twice: a row that was just read is in every cache.
    crowds = {size: _crowd(size) for size in sites}
    with ExitStack() as servers:
        processes = {size: servers.enter_context(machine.serving(CONTENDER, site)) for size, site in sites.items()}
        for size, site in sites.items():
            load.begin(CONTENDER, site, _next(crowds[size], WARM_UP))
            load.fire(at_once=max(AT_ONCE))
        for number in range(ROUNDS):
            machine.warm_up_disk()
            for size in sorted(sites, reverse=bool(number % 2)):
                for at_once in AT_ONCE:
                    load.begin(CONTENDER, sites[size], _next(crowds[size], SIGN_INS))
                    sample = _sample(machine, load, family(processes[size]), at_once)
                    samples[size, at_once].append(sample)
    columns = ["identities bound, at once", "server, CPU ms", "PostgreSQL, CPU ms", "p50 ms", "p99 ms"]
    table = Table("growth", [*columns, "CPU ×", "p50 ×"])
    for at_once in AT_ONCE:
        base = samples[SIZES[0], at_once]
        for size in SIZES:
            own = samples[size, at_once]
            table.add(
                f"{size:,}, {at_once}",
                *(median(getattr(sample, name) for sample in own) for name in ("server", "postgres", "p50", "p99")),
                # Ratios within a round: a disturbance of a whole round does not change them.
                *(
                    median(getattr(a, name) / getattr(b, name) for a, b in zip(own, base, strict=True))
                    for name in ("cpu", "p50")
                ),
            )
    return table


def _sample(machine: Machine, load: Load, server: list[psutil.Process], at_once: int) -> Sample:
    before = cpu_seconds(server), machine.postgres_cpu()
    result = load.fire(at_once=at_once)
    after = cpu_seconds(server), machine.postgres_cpu()
    if result.errors:
        raise RuntimeError(f"{result.outcomes}: {result.surprise}")
    ours, postgres = ((end - start) * 1000 / result.count for start, end in zip(before, after, strict=True))
    return Sample(ours, postgres, result.percentile(50), result.percentile(99))


def _crowd(size: int) -> Iterator[int]:
    """All people, in an order that is the same each time."""
    chance = random.Random(size)  # noqa: S311 - not for security
    while True:
        yield from chance.sample(range(1, size + 1), min(size, 100_000))


def _next(crowd: Iterator[int], count: int) -> list[int]:
    return [next(crowd) for _ in range(count)]


def _plans(machine: Machine, load: Load, sites: dict[int, Site]) -> Block:
    """The plan of PostgreSQL for the statement, each time for a person whose rows were not read before."""
    texts = []
    for size, site in sites.items():
        stranger = random.Random(f"stranger {size}").randrange(size) + 1  # noqa: S311 - not for security
        with (
            machine.statements(f"{CONTENDER.name}_{size}") as seen,
            machine.serving(CONTENDER, site, WORKERS="1"),
        ):
            load.begin(CONTENDER, site, [1])
            if load.fire(at_once=1).errors:
                raise RuntimeError("Nobody signed in.")
            [statement] = [line.partition(": ")[2] for line in seen() if "phonebind_socialaccount" in line]
        # The statement is prepared on the server, so the log shows placeholders instead of values.
        asked = statement
        for number, value in enumerate(("qq", CLIENT_ID, openid(stranger)), start=1):
            asked = asked.replace(f"${number}", f"'{value}'")
        with psycopg.connect(site.database_url) as connection:
            explained = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {asked}"
            plan = "\n".join(line for [line] in connection.execute(explained).fetchall())
        texts.append(f"-- {size:,}\n{plan}")
    return Block("plans", f"{statement.strip()}\n\n" + "\n\n".join(texts))


def _pending(machine: Machine) -> Table:
    table = Table("pending", ["waiting for", "keys each", "bytes each", "a million, MiB"])
    for kind, title in (("sms", "an SMS code to be typed"), ("image", "an image code to be read")):
        with _valkey(machine) as valkey, redis.Redis.from_url(valkey.url) as client:
            _ask(machine, valkey, kind, 1, 1)  # so that scripts, and keys that all share, are not counted
            keys, held = client.dbsize(), client.info("memory")["used_memory"]
            _ask(machine, valkey, kind, 2, PENDING + 1)
            keys, held = client.dbsize() - keys, client.info("memory")["used_memory"] - held
        if keys % PENDING:
            raise RuntimeError(f"{keys} keys of {PENDING} people: some have run out.")
        each = held / PENDING
        table.add(title, keys // PENDING, each, each * 1_000_000 / 2**20)
    return table


@contextmanager
def _valkey(machine: Machine) -> Iterator[Valkey]:
    """A Valkey that is otherwise empty."""
    with tempfile.TemporaryDirectory(dir=machine.directory) as directory:
        valkey = Valkey(Path(directory))
        valkey.start()
        try:
            yield valkey
        finally:
            valkey.stop()


def _ask(machine: Machine, valkey: Valkey, kind: str, first: int, last: int) -> None:
    site = replace(machine.site(CONTENDER), redis_url=valkey.url)
    own = {"SMS_GATEWAY": "bench.pending.Nowhere", "LIMITS": json.dumps(pending.LIMITS)}
    environ = {**machine.environ(), **CONTENDER.environ(site), **own}
    python(environ, "-m", "bench.pending", kind, str(first), str(last))
