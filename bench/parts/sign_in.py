"""The returning sign-in of all contenders: CPU, calls, connections, SQL, latency; with 10,000 and with 1,000,000
people.
"""

import random
from contextlib import ExitStack
from statistics import median

from bench import contenders, plot
from bench.contenders import Contender, Site
from bench.load import Load, Result
from bench.machine import Machine, cpu_seconds, family, populate
from bench.parts import scale
from bench.report import Table

SIZES = scale((10_000, 1_000_000), (200,))
ROUNDS = scale(3, 2)
#: CPU seconds of one contender in one round. Without this limit a slow contender would take half an hour.
ROUND_SECONDS = scale(2.0, 0.3)
LEAST, MOST = scale(50, 10), scale(2_000, 40)
AT_ONCE = (1, 32)
#: Node needs more: it compiles code only after it has run often.
WARM_UP = {"python": scale(100, 10), "node": scale(2_500, 40)}
PLOTTED = 1_000_000
#: The contender that the others are compared with.
LIMIT = "limit"


class Runner:
    """One contender while it is served."""

    def __init__(self, machine: Machine, load: Load, contender: Contender, site: Site) -> None:
        self.machine, self.load, self.contender, self.site = machine, load, contender, site
        self.people = 0
        self.per_round = 0
        self.cpu: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
        self.postgres: list[float] = []
        self.last: dict[int, Result] = {}
        self.calls: list[dict[str, float]] = []

    def start(self, stack: ExitStack, people: int) -> None:
        self.people = people
        self.server = stack.enter_context(self.machine.serving(self.contender, self.site))
        self._sign_in(WARM_UP[self.contender.needs], 32)
        self.per_round = max(LEAST, min(MOST, int(ROUND_SECONDS / self._sign_in(LEAST, 8))))

    def measure(self, at_once: int) -> None:
        self.machine.control("/count")
        before = self.machine.postgres_cpu()
        self.cpu[at_once].append(self._sign_in(self.per_round, at_once) * 1000)
        self.postgres.append((self.machine.postgres_cpu() - before) / self.per_round * 1000)
        counted = self.machine.control("/count")
        self.calls.append({name: counted[name] / self.per_round for name in counted})

    def _sign_in(self, count: int, at_once: int) -> float:
        """CPU seconds of each sign-in, for ``count`` people picked from all people."""
        people = random.sample(range(1, self.people + 1), count)
        self.load.begin(self.contender, self.site, people)
        processes = family(self.server)
        before = cpu_seconds(processes)
        self.last[at_once] = result = self.load.fire(at_once=at_once)
        if result.errors:
            raise RuntimeError(f"{self.contender.name}: {dict(result.outcomes)} {result.surprise}")
        return (cpu_seconds(processes) - before) / count


def run(machine: Machine, load: Load) -> list[Table]:
    """One table for each size."""
    machine.control("/control?delay=0")
    return [_table(machine, load, size) for size in SIZES]


def _table(machine: Machine, load: Load, size: int) -> Table:
    runners = []
    for contender in contenders.all_there():
        site = machine.site(contender, database=f"{contender.name}_{size}")
        populate(site, contender, size)
        runners.append(Runner(machine, load, contender, site))
    statements = {r.contender.name: _statements(machine, load, r.contender, size) for r in runners}
    with ExitStack() as stack:
        for runner in runners:
            runner.start(stack, size)
        for _ in range(ROUNDS):
            for at_once in AT_ONCE:
                for runner in runners:
                    runner.measure(at_once)
    if size == PLOTTED:
        plot.bars([(runner.contender.title, median(runner.cpu[1])) for runner in runners])
    return _report(runners, statements, f"sign-in-{size}")


def _report(runners: list[Runner], statements: dict[str, float], name: str) -> Table:
    table = Table(
        name,
        [
            "returning sign-in",
            "calls / new connections",
            "SQL",
            "CPU ms, c=1",
            "c=32",
            "× the limit",
            "PostgreSQL's",
            "p50 ms, c=1",
        ],
    )
    limit = {at_once: median(r.cpu[at_once]) for r in runners if r.contender.name == LIMIT for at_once in AT_ONCE}
    for runner in runners:
        one, many = (median(runner.cpu[at_once]) for at_once in AT_ONCE)
        calls, connections = (median(call[kind] for call in runner.calls) for kind in ("calls", "connections"))
        times = " / ".join(f"{cpu / limit[at]:.1f}" for cpu, at in ((one, 1), (many, 32))) if limit else ""
        table.add(
            runner.contender.title,
            f"{calls:.0f} / {connections:.0f}",
            f"{statements[runner.contender.name]:.0f}",
            one,
            many,
            times,
            median(runner.postgres),
            runner.last[1].percentile(50),
        )
    return table


def _statements(machine: Machine, load: Load, contender: Contender, size: int) -> float:
    """SQL statements of one sign-in, without BEGIN and COMMIT."""
    count = 10
    database = f"{contender.name}_{size}"
    site = machine.site(contender, workers=1, threads=1, database=database)
    with machine.statements(database) as seen, machine.serving(contender, site):
        # The first time opens connections and prepares statements; the second time is counted.
        for people in (range(1, count + 1), range(count + 1, 2 * count + 1)):
            load.begin(contender, site, people, at_once=1)
            before = len(seen())
            load.fire(at_once=1)
        return (len(seen()) - before) / count
