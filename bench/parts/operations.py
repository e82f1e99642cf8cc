"""What ``phonebind.operations`` costs a returning sign-in: without the app, with it, and with each of its parts. The
sides take turns, and each is compared with the first side in the same round.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from bench.contenders import Contender, Site
from bench.contenders.phonebind import CONTENDER, environ, migrate
from bench.load import Load
from bench.machine import Machine, cpu_seconds, family, populate
from bench.parts import scale
from bench.report import Table

#: Many short rounds, so that other work on the machine affects all sides alike.
ROUNDS = scale(40, 2)
REQUESTS = scale(200, 40)
PEOPLE = scale(10_000, 200)

#: The variables of each side. The others are compared with the first one.
SIDES: Mapping[str, Mapping[str, str]] = {
    "without the app": {},
    "with it, and no part of it on": {"OPERATIONS": "1"},
    "metrics": {"OPERATIONS": "1", "METRICS_TOKEN": "bench-only-0123456789" + "abcdefghij" * 4},
}


class Side:
    """phonebind with the variables of one side."""

    def __init__(self, machine: Machine, load: Load, own: Mapping[str, str], number: int, stack: ExitStack) -> None:
        self.load, self.contender = load, _contender(own, number)
        self.site = machine.site(self.contender)
        populate(self.site, self.contender, PEOPLE)
        self.process = stack.enter_context(machine.serving(self.contender, self.site))
        self.next = 1

    def measure(self) -> float:
        """CPU milliseconds of one returning sign-in."""
        people = [1 + (self.next + number) % PEOPLE for number in range(REQUESTS)]
        self.next += REQUESTS
        self.load.begin(CONTENDER, self.site, people)
        processes = family(self.process)
        before = cpu_seconds(processes)
        self.load.fire(at_once=1).all_good()
        return (cpu_seconds(processes) - before) / REQUESTS * 1000


def _contender(own: Mapping[str, str], number: int) -> Contender:
    def environment(site: Site) -> dict[str, str]:
        return {**environ(site), **own}

    return replace(
        CONTENDER,
        name=f"phonebind_operations_{number}",
        prepare=lambda site: migrate(environment(site)),
        environ=environment,
    )


def run(machine: Machine, load: Load) -> list[Table]:
    machine.control("/control?delay=0")
    with ExitStack() as stack:
        sides = {name: Side(machine, load, own, number, stack) for number, (name, own) in enumerate(SIDES.items())}
        costs: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(ROUNDS + 1):
            # The order changes each round. Otherwise the last side would always inherit the caches of the others.
            for name in list(sides)[:: 1 if number % 2 else -1]:
                cost = sides[name].measure()
                if number:  # the first round warms up
                    costs[name].append(cost)
    first = costs[next(iter(SIDES))]
    table = Table("operations", ["returning sign-in", "CPU ms of the server", "times the first"])
    for name, own in costs.items():
        table.add(name, median(own), median(after / before for before, after in zip(first, own, strict=True)))
    return [table]
