"""What a flood of requests for image codes does to people who are bound already."""

import json
from statistics import median
from uuid import uuid4

from bench.contenders import HTTPS, Request
from bench.contenders.phonebind import CONTENDER
from bench.load import Load, Result
from bench.machine import Machine, populate
from bench.parts import scale
from bench.parts.first_bind import nothing_but_busy
from bench.report import Table
from bench.returning import PEOPLE, RATE, SECONDS, Returning, percentiles

#: Images per second.
IMAGES = scale(200, 50)
FLOODS = scale(5, 1)
#: So high that no limit ends the run: every address may have any number of images.
LIMITS = json.dumps({"image_address_hour": [10**8, 3600]})


def run(machine: Machine, load: Load) -> list[Table]:
    site = machine.site(CONTENDER)
    populate(site, CONTENDER, PEOPLE)
    quiet: list[Result] = []
    flooded: list[Result] = []
    floods: list[Result] = []
    returning = Returning(site)
    with machine.serving(CONTENDER, site, LIMITS=LIMITS):
        load.get_ready(site, _images(IMAGES))
        nothing_but_busy(load.fire(at_once=8))
        for _ in range(FLOODS):
            returning.get_ready()
            quiet.append(returning.come())
            returning.get_ready()
            load.get_ready(site, _images(IMAGES * SECONDS))
            flood = load.start(rate=IMAGES)
            flooded.append(returning.come())
            floods.append(nothing_but_busy(flood()))
    returning.stop()

    table = Table("image_flood", ["", "sign-ins/s", "p50 ms", "p99 ms", "images/s", "503/s", "image p50 ms"])
    table.add("sign-ins alone", RATE, *percentiles(quiet), "", "", "")
    drawn = median(flood.per_second for flood in floods)
    busy = median(flood.errors / flood.seconds for flood in floods)
    table.add("and a flood of images", RATE, *percentiles(flooded), drawn, busy, percentiles(floods)[0])
    times = [
        median(
            after.percentile(number) / before.percentile(number) for after, before in zip(flooded, quiet, strict=True)
        )
        for number in (50, 99)
    ]
    table.add("times as long", "", *times, "", "", "")
    return [table]


def _images(number: int) -> list[Request]:
    return [Request("GET", f"/image_codes/{uuid4()}/", HTTPS) for _ in range(number)]
