"""How long the import of bindings from an older sign-in takes, and how much memory: ``manage.py phonebind_import``."""

import json
from dataclasses import replace

from bench.contenders import Site
from bench.contenders.phonebind import CONTENDER
from bench.load import Load
from bench.machine import Machine
from bench.parts import python, scale
from bench.report import Table

SIZES = scale((100_000, 1_000_000), (2_000,))
STEPS = {"import": "all of them", "again": "again: nothing new", "reverse": "--reverse"}


def run(machine: Machine, load: Load) -> list[Table]:
    columns = ["database, rows", *(f"{title}, {what}" for title in STEPS.values() for what in ("s", "MiB"))]
    table = Table("import_bindings", columns)
    for name in ("SQLite", "PostgreSQL"):
        for size in SIZES:
            site = machine.site(CONTENDER, database=f"old_bindings_{size}")
            if name == "SQLite":
                site = replace(site, database_url=f"sqlite:///{site.directory / 'old.sqlite3'}")
            CONTENDER.prepare(site)
            _step(machine, site, "make", size)
            seen = [_step(machine, site, step, size) for step in STEPS]
            table.add(f"{name}, {size:,}", *(each[what] for each in seen for what in ("seconds", "MiB")))
    return [table]


def _step(machine: Machine, site: Site, step: str, size: int) -> dict[str, float]:
    environ = {**machine.environ(), **CONTENDER.environ(site)}
    told, _ = python(environ, "-m", "bench.old_bindings", step, str(size))
    answer: dict[str, float] = json.loads(told)
    return answer
