"""What a first bind costs compared with its hash, and what a flood of first binds does to people who are bound."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import TypeAlias

from bench.contenders import ROOT, Request, Site
from bench.contenders.phonebind import CONTENDER
from bench.contenders.phonebind.first_bind import bind_forms, forget, mobiles, password_forms
from bench.load import Load, Result
from bench.machine import Machine, cpu_seconds, family, populate
from bench.parts import scale
from bench.report import Table
from bench.returning import PEOPLE, RATE, SECONDS, Returning, percentiles

Process: TypeAlias = subprocess.Popen[str]

#: Rounds of the first table, and hashes, binds and sign-ins in each round.
ROUNDS, EACH = scale(7, 2), scale(60, 12)
FLOODS = scale(3, 1)
#: Binds for the warm-up and for the measurement of the capacity. AT_ONCE is no more than one process lets wait. If more
#: requests reached one process by chance, it would refuse some, and they would be tried again at once.
CROWD, AT_ONCE = scale(600, 60), 8
#: How many of the refused people try again.
AGAIN = 20


def run(machine: Machine, load: Load) -> list[Table]:
    """Two tables."""
    site = machine.site(CONTENDER)
    populate(site, CONTENDER, PEOPLE)
    with _new_people(site), machine.serving(CONTENDER, site) as process:
        cost = _cost(machine, load, site, process)
    with _new_people(site), machine.serving(CONTENDER, site):
        flood = _flood(load, site)
    return [cost, flood]


@contextmanager
def _new_people(site: Site) -> Iterator[None]:
    """Delete the new people before and after: a former run may have been killed."""
    forget(site)
    try:
        yield
    finally:
        forget(site)


# ---------------------------------------------------------------- the cost


def _cost(machine: Machine, load: Load, site: Site, process: Process) -> Table:
    bare: list[float] = []
    django: list[float] = []
    costs: dict[str, list[tuple[float, ...]]] = {"first bind": [], "password sign-in": []}

    def measure(what: str, requests: Sequence[Request], status: int) -> None:
        load.get_ready(site, requests, like=status)
        before = _cpu(process), machine.postgres_cpu()
        result = load.fire(at_once=1).all_good()
        spent = _cpu(process) - before[0], machine.postgres_cpu() - before[1]
        server, database = (1000 * seconds / result.count for seconds in spent)
        costs[what].append((server, server / bare[-1], database, result.percentile(50)))

    _warm_up(load, site)
    for number in range(ROUNDS):
        people = mobiles(CROWD + number * EACH, EACH)
        forms = bind_forms(load, site, people)
        hashes = _hash()
        bare.append(hashes["bare"])
        django.append(hashes["django"])
        measure("first bind", forms, 201)
        measure("password sign-in", password_forms(people), 200)

    table = Table("first_bind", ["", "CPU ms, server", "bare hashes", "CPU ms, PostgreSQL", "p50 ms"])
    table.add("the bare hash, argon2-cffi", median(bare), 1.0, "", "")
    ratio = median(one / other for one, other in zip(django, bare, strict=True))
    table.add("the same by Django's hasher", median(django), ratio, "", "")
    for what, rounds in costs.items():
        table.add(what, *(median(column) for column in zip(*rounds, strict=True)))
    return table


def _warm_up(load: Load, site: Site) -> None:
    """Warm up both workers, since either may get the measured requests."""
    people = mobiles(0, CROWD)
    load.get_ready(site, bind_forms(load, site, people), like=201)
    load.fire(at_once=AT_ONCE)
    load.get_ready(site, password_forms(people))
    load.fire(at_once=AT_ONCE)


def _cpu(process: Process) -> float:
    # List the processes now: workers start late.
    return cpu_seconds(family(process))


def _hash() -> dict[str, float]:
    """CPU milliseconds of one hash, in a process that does nothing else."""
    command = [sys.executable, "-m", "bench.hashing", str(EACH)]
    told: dict[str, float] = json.loads(subprocess.check_output(command, cwd=ROOT))
    return told


# ---------------------------------------------------------------- the flood


def _flood(load: Load, site: Site) -> Table:
    returning = Returning(site)
    quiet: list[Result] = []
    flooded: list[Result] = []
    floods: list[Result] = []
    load.get_ready(site, bind_forms(load, site, mobiles(0, CROWD)), like=201)
    capacity = nothing_but_busy(load.fire(at_once=AT_ONCE)).per_second
    count = int(2 * capacity * SECONDS)
    for number in range(FLOODS):
        returning.get_ready()
        quiet.append(returning.come())
        forms = bind_forms(load, site, mobiles(CROWD + number * count, count))
        returning.get_ready()
        load.get_ready(site, forms, like=201)
        flood = load.start(rate=2 * capacity)
        flooded.append(returning.come())
        floods.append(nothing_but_busy(flood()))
        _come_again(load, site, [forms[place] for place in list(floods[-1].others)[:AGAIN]])
    returning.stop()

    table = Table("first_bind_flood", ["", "sign-ins/s", "p50 ms", "p99 ms", "binds/s", "bound/s", "503/s"])
    table.add(f"binds alone, {AT_ONCE} at once", "", "", "", "", capacity, 0)
    table.add("sign-ins alone", RATE, *percentiles(quiet), "", "", "")
    bound = median(flood.per_second for flood in floods)
    busy = median(flood.errors / flood.seconds for flood in floods)
    table.add("both, with twice as many binds", RATE, *percentiles(flooded), 2 * capacity, bound, busy)
    pairs = zip(percentiles(flooded), percentiles(quiet), strict=True)
    table.add("times as long", "", *(after / before for after, before in pairs), "", "", "")
    return table


# ---------------------------------------------------------------- the expected answers


def nothing_but_busy(result: Result) -> Result:
    """Check that every refused person got a 503 with a Retry-After header."""
    for answer in result.others.values():
        if (answer.status, answer.json()["code"]) != (503, "server_busy") or not answer.header("retry-after").isdigit():
            raise RuntimeError(f"{answer.status} {dict(answer.headers)} {answer.body!r}")
    if result.errors != len(result.others):
        raise RuntimeError(f"Not all were answered: {dict(result.outcomes)}")
    return result


def _come_again(load: Load, site: Site, forms: Sequence[Request]) -> None:
    """Check that the refusal used up neither code nor ticket: the same form binds now."""
    for answer in load.ask(site, forms, at_once=1):
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {answer.body!r}")
