"""What a hanging SMS vendor does to all other requests, with a second vendor behind it and without one."""

import json
import random
from collections import Counter
from itertools import count

from bench.contenders import Site
from bench.contenders.phonebind import CONTENDER
from bench.load import Load, Result
from bench.machine import Machine, populate
from bench.parts import scale
from bench.parts.endpoints import LIMITS, sms_requests
from bench.report import Table
from bench.returning import PEOPLE, SECONDS, Returning, percentiles

#: SMS per second, and the run's length in units of the returning people's SECONDS. It is long enough for two rests of
#: the failed vendor.
SMS_RATE = 10
TIMES = scale(5, 1)
FIRST = "/sms/first"
#: What people without an SMS are told.
KINDS = {True: "lost", False: "refused"}


def run(machine: Machine, load: Load) -> list[Table]:
    site = machine.site(CONTENDER)
    populate(site, CONTENDER, PEOPLE)
    table = Table(
        "failover",
        ["", "sign-ins' p50 ms", "p99 ms", "SMS sent/s", "SMS p50 ms", "p99 ms", "lost", "refused"],
    )
    scenes = (
        ("both vendors answer", (FIRST, "/sms/second"), ""),
        ("the first hangs", (FIRST, "/sms/second"), FIRST),
        ("it hangs, and there is no other", (FIRST, FIRST), FIRST),
    )
    for title, paths, hangs in scenes:
        with machine.serving(CONTENDER, site, **_environ(machine, paths)):
            table.add(title, *_scene(machine, load, site, hangs))
    machine.control("/control")
    return [table]


def _environ(machine: Machine, paths: tuple[str, ...]) -> dict[str, str]:
    secret = "whsec_YSBrZXkgb2YgdHdlbnR5LWZvdXIgYnl0ZXM="
    gateways = [{"gateway": "http", "endpoint": f"{machine.upstream}{path}", "secret": secret} for path in paths]
    options = json.dumps({"gateways": gateways})
    return {"SMS_GATEWAY": "failover", "SMS_OPTIONS": options, "LIMITS": json.dumps(LIMITS)}


def _scene(machine: Machine, load: Load, site: Site, hangs: str) -> list[object]:
    # Other mobiles than in a former run: a mobile waits a minute for its next SMS.
    mobiles = count(13_100_000_000 + random.randrange(10**9))  # noqa: S311 - not for security
    returning = Returning(site)
    machine.control("/control")
    load.get_ready(site, sms_requests(site, mobiles, 200))
    load.fire(at_once=4).all_good()
    returning.get_ready()
    returning.come()
    machine.control(f"/control?hangs={hangs}")
    signed_in: list[Result] = []
    asked: list[Result] = []
    for _ in range(TIMES):
        load.get_ready(site, sms_requests(site, mobiles, SMS_RATE * SECONDS))
        returning.get_ready()
        ended = load.start(rate=SMS_RATE)
        signed_in.append(returning.come())
        asked.append(ended())
    returning.stop()
    return [*percentiles(signed_in), *_sms_cells(asked)]


def _sms_cells(results: list[Result]) -> list[object]:
    """Over the whole minute, since the vendor begins to hang only once."""
    told: Counter[str] = Counter()
    whole = Result(seconds=sum(result.seconds for result in results))
    for result in results:
        whole.times += result.times
        whole.outcomes += result.outcomes
        for answer in result.others.values():
            if answer.status != 502:
                raise RuntimeError(f"{answer.status} {answer.body!r}")
            told[KINDS["retry_after" in answer.json()]] += 1
    times = (whole.percentile(50), whole.percentile(99)) if len(whole.times) > 1 else ("", "")
    return [whole.per_second, *times, told["lost"], told["refused"]]
