"""What ``phonebind.lifecycle`` costs: a sign-in and a refresh with the app and without it, a chain of refreshes, and a
sign-in by SMS compared with one by password.
"""

import http.client
import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from statistics import median
from time import time_ns

import psycopg

from bench.contenders import Contender, Request, Site
from bench.contenders.phonebind import CONTENDER, LIFE, sms_codes
from bench.contenders.phonebind.first_bind import PASSWORD, post
from bench.load import Load
from bench.machine import Machine, cpu_seconds, family, populate
from bench.parts import scale
from bench.report import Table
from bench.upstream import openid

ROUNDS = scale(7, 2)
REQUESTS = scale(500, 40)
PEOPLE = scale(10_000, 200)
REFRESHES = scale(2_000, 40)
#: The number of refreshes that are measured at each end of the chain.
ENDS = scale(200, 10)
LIMITS = json.dumps({"password_address": [10**8, 900]})
#: Long enough that Django does not make a new salt.
_SALT = "0123456789abcdefghijkl"


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request, in the server and in PostgreSQL."""

    server: float
    postgres: float
    p50: float


class Side:
    """phonebind with the app, or without it."""

    def __init__(self, machine: Machine, load: Load, contender: Contender, stack: ExitStack) -> None:
        self.machine, self.load, self.contender = machine, load, contender
        self.site = machine.site(contender)
        populate(self.site, contender, PEOPLE)
        _know_passwords(self.site)
        self.process = stack.enter_context(machine.serving(contender, self.site, BENCH_NO_HASH="1", LIMITS=LIMITS))
        self._people: dict[str, count[int]] = defaultdict(count)

    def people(self, what: str, number: int) -> list[int]:
        """People who were not used for ``what`` before: a mobile has one code at a time here."""
        return [1 + next(self._people[what]) % PEOPLE for _ in range(number)]

    def measure(self, requests: list[Request]) -> Cost:
        processes = family(self.process)
        self.load.get_ready(self.site, requests)
        before, databases = cpu_seconds(processes), self.machine.postgres_cpu()
        result = self.load.fire(at_once=1).all_good()
        spent = cpu_seconds(processes) - before, self.machine.postgres_cpu() - databases
        return Cost(*(1000 * seconds / result.count for seconds in spent), result.percentile(50))

    def returning(self, number: int) -> list[Request]:
        people = self.people("provider", number)
        begun = self.load.ask(self.site, [CONTENDER.begin(self.site) for _ in people])  # type: ignore[misc]
        codes = [f"{openid(person)}.{time_ns()}" for person in people]
        return [CONTENDER.call_back(self.site, answer, code) for answer, code in zip(begun, codes, strict=True)]

    def refreshes(self, number: int) -> list[Request]:
        """Refresh requests, each with another token, since a token is good once."""
        return [refresh(answer.json()["refresh"]) for answer in self.load.ask(self.site, self.returning(number))]

    def by_password(self, number: int) -> list[Request]:
        mobiles = map(mobile_of, self.people("password", number))
        return [post("/authorizations/", {"username": mobile, "password": PASSWORD}) for mobile in mobiles]

    def by_sms(self, number: int) -> list[Request]:
        mobiles = [mobile_of(person) for person in self.people("sms", number)]
        flows = sms_codes.keep(self.contender.environ(self.site), mobiles, "sign_in")
        form = {"sms_code": sms_codes.SMS_CODE}
        return [
            post("/authorizations/sms/", {**form, "mobile": mobile, "flow": flow})
            for mobile, flow in zip(mobiles, flows, strict=True)
        ]


def run(machine: Machine, load: Load) -> list[Table]:
    machine.control("/control?delay=0")
    with ExitStack() as stack:
        without, with_app = (Side(machine, load, contender, stack) for contender in (CONTENDER, LIFE))
        made: dict[str, Callable[[int], list[Request]]] = {
            "sign-in": without.returning,
            "sign-in, app": with_app.returning,
            "refresh": without.refreshes,
            "refresh, app": with_app.refreshes,
            "password": without.by_password,
            "password, app": with_app.by_password,
            "sms, app": with_app.by_sms,
        }
        costs: dict[str, list[Cost]] = {name: [] for name in made}
        for number in range(ROUNDS + 1):
            for name, maker in made.items():
                cost = (with_app if name.endswith("app") else without).measure(maker(REQUESTS))
                if number:  # the first round warms up
                    costs[name].append(cost)
        return [_compared(costs), _chain(with_app)]


def _compared(costs: dict[str, list[Cost]]) -> Table:
    table = Table(
        "account-life",
        ["CPU ms of the server", "of the one", "of the other", "times", "PostgreSQL's", "", "p50 ms", ""],
    )
    for title, one, other in (
        ("returning sign-in without the app, with it", "sign-in", "sign-in, app"),
        ("refresh without the app, with it", "refresh", "refresh, app"),
        ("sign-in by password (not its hash) without the app, with it", "password", "password, app"),
        ("sign-in with the app by password (not its hash), by SMS", "password, app", "sms, app"),
    ):
        pairs = list(zip(costs[one], costs[other], strict=True))
        table.add(
            title,
            *(median(cost.server for cost in costs[name]) for name in (one, other)),
            median(after.server / before.server for before, after in pairs),
            *(median(cost.postgres for cost in costs[name]) for name in (one, other)),
            *(median(cost.p50 for cost in costs[name]) for name in (one, other)),
        )
    return table


def _chain(side: Side) -> Table:
    """The refresh tokens of one session, each from the request with the one before."""
    [first] = side.load.ask(side.site, side.returning(1))
    token, times = first.json()["refresh"], []
    rows = _rows(side.site)
    connection = http.client.HTTPConnection("127.0.0.1", side.site.port, timeout=10)
    processes = family(side.process)
    for _ in range(REFRESHES // ENDS):
        before = cpu_seconds(processes)
        for _ in range(ENDS):
            token = _ask(connection, refresh(token))["refresh"]
        times.append((cpu_seconds(processes) - before) / ENDS * 1000)
    connection.close()
    table = Table(
        "refresh-chain",
        ["one session's refreshes", "rows before", "rows after", f"CPU ms, first {ENDS}", f"last {ENDS}"],
    )
    table.add(REFRESHES, rows, _rows(side.site), times[0], times[-1])
    return table


def _ask(connection: http.client.HTTPConnection, request: Request) -> dict[str, str]:
    connection.request(request.method, request.path, request.body, dict(request.headers))
    answer: dict[str, str] = json.loads(connection.getresponse().read())
    return answer


def refresh(token: str) -> Request:
    return post("/authorizations/refresh/", {"refresh": token})


def mobile_of(person: int) -> str:
    """The mobile of a person, as the contender's seed makes it."""
    return str(13_000_000_000 + person)


def _know_passwords(site: Site) -> None:
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE users_user SET password = 'md5$' || %s::text || '$' || md5(%s::text)", [_SALT, _SALT + PASSWORD]
        )
        connection.execute("VACUUM ANALYZE users_user")


def _rows(site: Site) -> int:
    """The number of rows in all tables."""
    with psycopg.connect(site.database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        counts = [connection.execute(f'SELECT count(*) FROM "{name}"').fetchone() for [name] in tables]  # noqa: S608
    return sum(found[0] for found in counts if found)
