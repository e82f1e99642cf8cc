"""Many people at once with a slow provider: sign-ins per second of all contenders, and what phonebind's threads do."""

import random
from statistics import median

from bench import contenders
from bench.contenders import Contender, Request, Site
from bench.load import Load, Result
from bench.machine import Machine, cpu_seconds, family, memory, populate
from bench.parts import scale
from bench.report import Table

PEOPLE = scale(10_000, 200)
CLIENTS = scale(256, 16)
#: Seconds that the provider takes, and seconds of each round.
DELAY = 0.1
SECONDS = scale(6.0, 1.0)
ROUNDS = scale(1, 1)
#: Threads of phonebind and of the other Python servers in the comparison.
THREADS = 256
#: The numbers of workers and threads that are tried for phonebind.
MODELS = scale(((2, 16), (2, 64), (2, 256), (2, 512), (4, 128)), ((2, 16), (2, 64)))
#: People who wait for a provider that takes WAIT seconds, and the rate per second of requests that need no provider.
WAITING = scale(1_000, 20)
WAIT = 1.0
PROBES = 50.0
#: The crowds that wait: the provider's delay in seconds, and how the people come.
SCENES: tuple[tuple[str, float, dict[str, float]], ...] = (
    ("nobody waits", 0.0, {}),
    (f"{WAITING} at the same moment, again and again", WAIT, {"at_once": WAITING}),
    (f"{WAITING * 0.3:.0f} more each second", WAIT, {"rate": WAITING * 0.3}),
    (f"{WAITING * 0.15:.0f} more each second", WAIT, {"rate": WAITING * 0.15}),
    ("the same, provider 2.5 s", 2.5, {"rate": WAITING * 0.15}),
)
PROBE = Request("GET", "/oauth/qq/authorization/?next=/cart.html", {"X-Forwarded-Proto": "https"})


def run(machine: Machine, load: Load) -> list[Table]:
    probes = Load()
    try:
        return [_everybody(machine, load), _models(machine, load), _waiting(machine, load, probes)]
    finally:
        probes.stop()
        machine.control("/control?delay=0")


def _everybody(machine: Machine, load: Load) -> Table:
    results: dict[str, list[Result]] = {}
    costs: dict[str, list[list[float]]] = {}
    everybody = contenders.all_there()
    for _ in range(ROUNDS):
        for contender in everybody:
            site = machine.site(contender, threads=THREADS, database=f"{contender.name}_{PEOPLE}")
            populate(site, contender, PEOPLE)
            result, *used = crowd(machine, load, contender, site)
            results.setdefault(contender.name, []).append(result)
            costs.setdefault(contender.name, []).append(used)
    columns = ["sign-ins/s", "p50 ms", "p99 ms", "errors", "CPU ms", "MiB a worker"]
    table = Table("crowd", [f"{CLIENTS} clients, provider {DELAY:.1f} s", *columns])
    for contender in everybody:
        seen = results[contender.name]
        table.add(
            contender.title,
            median(result.per_second for result in seen),
            median(result.percentile(50) for result in seen),
            median(result.percentile(99) for result in seen),
            sum(result.errors for result in seen),
            *(median(used) for used in zip(*costs[contender.name], strict=True)),
        )
    return table


def _models(machine: Machine, load: Load) -> Table:
    table = Table("models", ["workers × threads", "sign-ins/s", "p50 ms", "p99 ms", "errors", "CPU ms", "MiB a worker"])
    phonebind = _phonebind()
    for workers, threads in MODELS:
        site = machine.site(phonebind, workers=workers, threads=threads, database=f"phonebind_{PEOPLE}")
        populate(site, phonebind, PEOPLE)
        result, spent, mebibytes = crowd(machine, load, phonebind, site)
        times = (result.percentile(50), result.percentile(99))
        table.add(f"{workers} × {threads}", result.per_second, *times, result.errors, spent, mebibytes)
    return table


def crowd(machine: Machine, load: Load, contender: Contender, site: Site) -> tuple[Result, float, float]:
    """What the crowd saw, CPU milliseconds of each sign-in, and MiB of the largest worker."""
    with machine.serving(contender, site) as server:
        machine.control("/control?delay=0")
        begin(load, contender, site, CLIENTS)
        cold = load.fire(at_once=CLIENTS)
        # Node compiles code that runs often, so every contender warms up first.
        begin(load, contender, site, int(cold.per_second * SECONDS))
        rate = load.fire(at_once=CLIENTS).per_second
        # At most as many people as can be signed in, because each of them needs a request to begin.
        begin(load, contender, site, int(min(rate * 1.3, CLIENTS / DELAY) * SECONDS) + CLIENTS)
        machine.control(f"/control?delay={DELAY}")
        before = cpu_seconds(family(server))
        result = load.fire(at_once=CLIENTS, seconds=SECONDS)
        spent = (cpu_seconds(family(server)) - before) / result.outcomes["ok"] * 1000
        return result, spent, max(memory(process)["rss"] for process in family(server))


def _waiting(machine: Machine, load: Load, probes: Load) -> Table:
    """Whether a thousand people who wait for the provider slow down requests that do not need it."""
    columns = [f"provider {WAIT:.0f} s", "sign-ins/s", "p50 ms", "p99 ms", "errors", "others' p50 ms", "p99 ms", "MiB"]
    table = Table("waiting", columns)
    contender = _phonebind()
    # Half of the threads may wait for the provider, and the two workers share the crowd unevenly.
    site = machine.site(contender, threads=2 * WAITING, database=f"phonebind_{PEOPLE}")
    populate(site, contender, PEOPLE)
    with machine.serving(contender, site) as server:
        machine.control("/control?delay=0")
        begin(load, contender, site, WAITING)
        load.fire(at_once=WAITING)
        for title, delay, how in SCENES:
            machine.control("/control?delay=0")
            if how:
                begin(load, contender, site, int(how.get("rate", WAITING / WAIT) * SECONDS) + WAITING)
            machine.control(f"/control?delay={delay}")
            probes.get_ready(site, [PROBE] * int(PROBES * SECONDS))
            ended = load.start(**how, seconds=SECONDS) if how else Result
            seen = probes.fire(rate=PROBES, seconds=SECONDS)
            result = ended()
            if seen.errors:
                raise RuntimeError(f"{dict(seen.outcomes)} {seen.surprise}")
            times = (result.per_second, result.percentile(50), result.percentile(99)) if how else ("", "", "")
            mebibytes = max(memory(process)["rss"] for process in family(server))
            table.add(title, *times, result.errors, seen.percentile(50), seen.percentile(99), mebibytes)
    return table


def _phonebind() -> Contender:
    return next(contender for contender in contenders.all_there() if contender.name == "phonebind")


def begin(load: Load, contender: Contender, site: Site, count: int) -> None:
    # The same person does not come again soon: contenders limit how often one address may begin.
    people = [number for _ in range(count // PEOPLE + 1) for number in random.sample(range(1, PEOPLE + 1), PEOPLE)]
    load.begin(contender, site, people[:count], at_once=16)
