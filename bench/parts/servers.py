"""The reference server under gunicorn with its own worker, and under Granian: cost, crowd, slow clients, shutdown."""

import http.client
import random
import signal
import time
from contextlib import ExitStack
from statistics import median

from bench.contenders import Contender, Site, granian, phonebind
from bench.load import Load
from bench.machine import Machine, family, memory, populate
from bench.parts import scale
from bench.parts.crowd import CLIENTS, DELAY, PEOPLE, THREADS, begin, crowd
from bench.parts.sign_in import AT_ONCE, Runner
from bench.report import Table
from tests.support.slow import KINDS, slow_clients

ROUNDS = scale(5, 1)
#: Slow connections of one kind: more than there are threads.
SLOW = scale(600, 80)
#: Seconds that they are watched: a little longer than REQUEST_DEADLINE.
WATCHED = scale(14.0, 2.0)
#: People who wait for the provider when the server gets SIGTERM, and the provider's delay in seconds.
LAST, LAST_DELAY = 32, 2.0
SERVERS = (phonebind.CONTENDER, granian.CONTENDER)


def run(machine: Machine, load: Load) -> list[Table]:
    try:
        return [_cost(machine, load), _crowd(machine, load), _slow(machine), _end(machine, load)]
    finally:
        machine.control("/control?delay=0")


def _cost(machine: Machine, load: Load) -> Table:
    runners = [Runner(machine, load, each, _site(machine, each)) for each in SERVERS]
    with ExitStack() as stack:
        for runner in runners:
            runner.start(stack, PEOPLE)
        for _ in range(ROUNDS):
            for runner in runners:
                for at_once in AT_ONCE:
                    runner.measure(at_once)
        mebibytes = {id(runner): max(memory(each)["uss"] for each in family(runner.server)) for runner in runners}
    table = Table("servers-cost", ["returning sign-in", *(f"CPU ms, c={at}" for at in AT_ONCE), "own MiB of a worker"])
    for runner in runners:
        table.add(_title(runner.contender), *(median(runner.cpu[at]) for at in AT_ONCE), mebibytes[id(runner)])
    return table


def _crowd(machine: Machine, load: Load) -> Table:
    columns = ["sign-ins/s", "p50 ms", "p99 ms", "errors", "CPU ms", "MiB a worker"]
    table = Table("servers-crowd", [f"{CLIENTS} clients, provider {DELAY:.1f} s", *columns])
    for contender in SERVERS:
        result, spent, mebibytes = crowd(machine, load, contender, _site(machine, contender, THREADS))
        times = (result.percentile(50), result.percentile(99))
        table.add(_title(contender), result.per_second, *times, result.errors, spent, mebibytes)
    return table


def _slow(machine: Machine) -> Table:
    columns = ["p50 ms of another's request", "longest", f"ended after {WATCHED:.0f} s"]
    table = Table("servers-slow", [f"{SLOW} clients that send", "server", *columns])
    for kind in KINDS:
        for contender in SERVERS:
            site = _site(machine, contender)
            with machine.serving(contender, site), slow_clients(site.port, kind, SLOW) as clients:
                began, times = time.monotonic(), []
                while time.monotonic() - began < WATCHED:
                    times.append(_seconds_to_answer(site))
                    left = clients.send_more()
                    time.sleep(0.2)
                table.add(kind, _title(contender), median(times) * 1000, max(times) * 1000, SLOW - left)
    return table


def _end(machine: Machine, load: Load) -> Table:
    """SIGTERM while all people wait for the provider. Each has sent a whole request, and should get an answer."""
    columns = ["answered", "not answered", "seconds to end"]
    table = Table("servers-end", [f"{LAST} wait, provider {LAST_DELAY:.0f} s, SIGTERM", *columns])
    for contender in SERVERS:
        site = _site(machine, contender, THREADS)
        with machine.serving(contender, site) as server:
            machine.control("/control?delay=0")
            begin(load, contender, site, 8 * LAST)
            load.fire(at_once=LAST)  # otherwise half of them would wait for the first connections
            begin(load, contender, site, LAST)
            machine.control(f"/control?delay={LAST_DELAY}")
            machine.control("/count")
            answers, asked = load.start(at_once=LAST), 0
            patience = time.monotonic() + LAST_DELAY / 2
            while asked < LAST and time.monotonic() < patience:
                time.sleep(0.02)
                asked += machine.control("/count")["calls"]
            began = time.monotonic()
            server.send_signal(signal.SIGTERM)
            result = answers()
            server.wait(60)
            seconds = time.monotonic() - began
            # A refusal is an answer too.
            answered = sum(number for what, number in result.outcomes.items() if what == "ok" or what.isdigit())
            table.add(_title(contender), answered, LAST - answered, seconds)
    return table


def _site(machine: Machine, contender: Contender, threads: int = 64) -> Site:
    site = machine.site(contender, threads=threads, database=f"{contender.name}_{PEOPLE}")
    populate(site, contender, PEOPLE)
    return site


def _seconds_to_answer(site: Site) -> float:
    """Seconds until the answer; 10 if there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    address = f"10.8.{random.randrange(256)}.{random.randrange(256)}"  # noqa: S311 - not for security, only to avoid limits
    began = time.monotonic()
    try:
        connection.request("GET", "/login/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": address})
        connection.getresponse().read()
    except OSError:
        return 10.0
    finally:
        connection.close()
    return time.monotonic() - began


def _title(contender: Contender) -> str:
    return "gunicorn, own worker" if contender is phonebind.CONTENDER else contender.title
