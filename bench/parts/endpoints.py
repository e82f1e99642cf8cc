"""What the other requests of a sign-in cost, and where their time goes."""

import json
import pickle
import random
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median
from uuid import uuid4

import redis

from bench.contenders import Answer, Request, Site
from bench.contenders.phonebind import CONTENDER, HTTPS
from bench.load import Load, encode, parse
from bench.machine import Machine, cpu_seconds, family, populate
from bench.parts import python, scale
from bench.report import Block, Table
from bench.upstream import openid

AT_ONCE = (1, 8)
ROUNDS = scale(3, 2)
REQUESTS = scale(500, 60)
PROFILED = scale(300, 80)
PEOPLE = 100
#: So high that no limit ends the run.
LIMITS = {
    "image_address_hour": [10**8, 3600],
    "sms_address_hour": [10**8, 3600],
    "sms_site_hour": [10**8, 3600],
    "sms_site_day": [10**8, 86400],
}
#: The key that ``store.key`` makes for the reference server's cache. This process has no Django settings.
IMAGE_KEY = ":1:phonebind:image:{{{}}}"
JSON = {**HTTPS, "Content-Type": "application/json"}

#: A function that makes a number of requests.
Maker = Callable[[int], list[Request]]


@dataclass(frozen=True)
class Sample:
    """One round, in milliseconds."""

    cpu: float
    p50: float
    p99: float


def run(machine: Machine, load: Load) -> list[Table | Block]:
    site = machine.site(CONTENDER)
    populate(site, CONTENDER, PEOPLE)
    limits = json.dumps(LIMITS)
    with machine.serving(CONTENDER, site, LIMITS=limits) as server:
        makers = _makers(site)

        def sample(name: str, at_once: int) -> Sample:
            load.get_ready(site, makers[name](REQUESTS))
            processes = family(server)
            before = cpu_seconds(processes)
            result = load.fire(at_once=at_once).all_good()
            cpu = (cpu_seconds(processes) - before) * 1000 / result.count
            return Sample(cpu, result.percentile(50), result.percentile(99))

        for name in makers:
            sample(name, max(AT_ONCE))
        kinds = [(name, at_once) for name in makers for at_once in AT_ONCE]
        samples = [{kind: sample(*kind) for kind in kinds} for _ in range(ROUNDS)]
        # Make these now, while there are still people to sign in.
        to_profile = {name: maker(PROFILED) for name, maker in makers.items()}
    table = Table(
        "endpoints", ["request", *(f"{what}, {n} at once" for n in AT_ONCE for what in ("CPU ms", "p50", "p99"))]
    )
    for name in makers:
        cells = [
            median(getattr(one[name, at_once], what) for one in samples)
            for at_once in AT_ONCE
            for what in ("cpu", "p50", "p99")
        ]
        table.add(name, *cells)
    profiles = [f"{name}\n{_profile(machine, site, limits, requests)}" for name, requests in to_profile.items()]
    return [table, Block("profiles", "\n\n".join(profiles))]


def _makers(site: Site) -> dict[str, Maker]:
    # Other mobiles than in a former run: a mobile waits a minute for its next SMS.
    mobiles = count(13_100_000_000 + random.randrange(10**9))  # noqa: S311 - not for security
    return {
        "GET authorization": lambda number: [CONTENDER.begin(site) for _ in range(number)],  # type: ignore[misc]
        "GET image code": lambda number: [Request("GET", f"/image_codes/{uuid4()}/", HTTPS) for _ in range(number)],
        "POST SMS code": partial(sms_requests, site, mobiles),
        "POST refresh": partial(_refresh, site),
    }


def sms_requests(site: Site, mobiles: "count[int]", number: int) -> list[Request]:
    """Each request has an image code with the right answer, which is written straight into the store."""
    requests = []
    with redis.Redis.from_url(site.redis_url) as valkey, valkey.pipeline() as pipeline:
        for _ in range(number):
            image_code_id = str(uuid4())
            pipeline.set(IMAGE_KEY.format(image_code_id), "AAAA", ex=300)
            body = json.dumps({"image_code_id": image_code_id, "text": "AAAA"}).encode()
            requests.append(Request("POST", f"/sms_codes/{next(mobiles)}/", JSON, body))
        pipeline.execute()
    return requests


def _refresh(site: Site, number: int) -> list[Request]:
    """Each request has another token, since a token is good once."""
    tokens = [_sign_in(site, 1 + n % PEOPLE).json()["refresh"] for n in range(number)]
    bodies = [json.dumps({"refresh": token}).encode() for token in tokens]
    return [Request("POST", "/authorizations/refresh/", JSON, body) for body in bodies]


def callback(site: Site, number: int) -> Request:
    """The request with which this person comes back from the provider."""
    assert CONTENDER.begin
    begun = _ask(site, CONTENDER.begin(site), number)
    return CONTENDER.call_back(site, begun, f"{openid(number)}.{uuid4()}")


def _sign_in(site: Site, number: int) -> Answer:
    answer = _ask(site, callback(site, number), number)
    if not CONTENDER.is_signed_in(answer):
        raise RuntimeError(f"{answer.status} {answer.body!r}")
    return answer


def _ask(site: Site, request: Request, number: int) -> Answer:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(encode(request, number))
        received = b""
        while True:
            received += connection.recv(65536)
            answer = parse(received)
            if answer:
                return answer


def _profile(machine: Machine, site: Site, limits: str, requests: list[Request]) -> str:
    file = site.directory / "requests.pickle"
    file.write_bytes(pickle.dumps(requests))
    environ = {**machine.environ(), **CONTENDER.environ(site), "LIMITS": limits}
    told, _ = python(environ, "-m", "bench.profiled", str(file))
    return told.rstrip()
