"""The returning sign-in of this checkout and of another one, BENCH_BEFORE: in turns, in one run, on one machine."""

from contextlib import ExitStack
from statistics import median

from bench.contenders import before, limit, phonebind
from bench.load import Load
from bench.machine import Machine, populate
from bench.parts import scale
from bench.parts.sign_in import AT_ONCE, LIMIT, Runner
from bench.report import Table

PEOPLE = scale(10_000, 200)
ROUNDS = scale(7, 2)


def run(machine: Machine, load: Load) -> list[Table]:
    machine.control("/control?delay=0")
    runners = []
    for contender in (before.CONTENDER, phonebind.CONTENDER, limit.CONTENDER):
        site = machine.site(contender, database=f"{contender.name}_{PEOPLE}")
        populate(site, contender, PEOPLE)
        runners.append(Runner(machine, load, contender, site))
    with ExitStack() as stack:
        for runner in runners:
            runner.start(stack, PEOPLE)
        # Both get the same number of requests. Otherwise the quicker one would be measured longer.
        fewest = min(runner.per_round for runner in runners)
        for number in range(ROUNDS):
            for runner in runners if number % 2 else reversed(runners):
                runner.per_round = fewest
                for at_once in AT_ONCE:
                    runner.measure(at_once)
    columns = [f"{what}, c={at}" for at in AT_ONCE for what in ("CPU ms", "× before", "× the limit")]
    table = Table("before", ["returning sign-in", *columns])
    base = runners[0]
    floor = next(runner for runner in runners if runner.contender.name == LIMIT)
    for runner in runners:
        cells = [
            cell
            for at in AT_ONCE
            for cell in (median(runner.cpu[at]), _ratio(runner, base, at), _ratio(runner, floor, at))
        ]
        table.add(runner.contender.title, *cells)
    return [table]


def _ratio(runner: Runner, other: Runner, at_once: int) -> float:
    """The median of the ratios of each round."""
    return median(one / two for one, two in zip(runner.cpu[at_once], other.cpu[at_once], strict=True))
