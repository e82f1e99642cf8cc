"""How long a worker takes to start, how much memory it holds, and which part of that no sign-in needs."""

import json
import os
import pickle
import re
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from statistics import median
from typing import Any

from bench.contenders import ROOT, Request, Site
from bench.contenders.phonebind import CONTENDER
from bench.load import Load
from bench.machine import Machine, family, memory, populate
from bench.parts import python, scale
from bench.parts.endpoints import callback
from bench.report import Table

ROUNDS = scale(3, 2)
SIGN_INS = scale(5000, 100)
WATCHED = 20
#: The number of packages in the table.
HEAVIEST = 16

_REQUIREMENT = re.compile(r"^(?P<name>[\w-]+)(?:\[.*\])?==", re.MULTILINE)
_LINE = re.compile(r"import time:\s+(?P<own>\d+) \|\s+\d+ \|\s+(?P<module>\S+)")
#: The groups of packages in the table of times.
GROUPS = {
    "phonebind": "phonebind",
    "django": "Django",
    "server": "the server and its checks",
    "bench": "the server and its checks",
}
STATEMENTS = {
    "import phonebind": "import phonebind",
    "django.setup()": "import django; django.setup()",
    "and the WSGI application with its URLs": "import server.wsgi, server.urls",
}


def run(machine: Machine, load: Load) -> list[Table]:
    site = machine.site(CONTENDER)
    packages = _packages(site.directory / "packages")
    populate(site, CONTENDER, SIGN_INS)
    with machine.serving(CONTENDER, site):
        callbacks = [callback(site, number) for number in range(1, WATCHED + 1)]
    environ = {**machine.environ(), **CONTENDER.environ(site), **packages}
    return [_imports(environ), _workers(machine, load, site, packages), _idle_modules(site, environ, callbacks)]


def _packages(directory: Path) -> dict[str, str]:
    """Environment variables for a Python that is started with -S. It finds the requirements of the reference server,
    and not those of the contenders.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for requirement in _REQUIREMENT.finditer((ROOT / "requirements" / "server.txt").read_text()):
        found = distribution(requirement["name"])
        for name in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            if not (directory / name).exists():
                (directory / name).symlink_to(Path(str(found.locate_file(name))))
    return {"PYTHONPATH": os.pathsep.join(map(str, (directory, ROOT / "src", ROOT)))}


def _imports(environ: Mapping[str, str]) -> Table:
    table = Table("imports", ["import ms", "all", "phonebind", "Django", "the server and its checks", "what they need"])
    for title, statement in STATEMENTS.items():
        rounds = [_import_times(environ, statement) for _ in range(ROUNDS)]
        names = [*table.columns[2:-1], ""]
        table.add(title, *(median(one[name] for one in rounds) for name in ["all", *names]))
    return table


def _import_times(environ: Mapping[str, str], statement: str) -> dict[str, float]:
    """Milliseconds by group, without what Python imports for itself."""
    _, bare = python(environ, "-S", "-X", "importtime", "-c", "")
    _, told = python(environ, "-S", "-X", "importtime", "-c", statement)
    known = {match["module"] for match in _LINE.finditer(bare)}
    times: dict[str, float] = defaultdict(float)
    for match in _LINE.finditer(told):
        if match["module"] not in known:
            for group in ("all", GROUPS.get(match["module"].partition(".")[0], "")):
                times[group] += int(match["own"]) / 1000
    return times


def _workers(machine: Machine, load: Load, site: Site, packages: Mapping[str, str]) -> Table:
    contender = replace(CONTENDER, command=lambda site: [sys.executable, "-S", *CONTENDER.command(site)[1:]])
    table = Table("workers", ["a worker", "first answer, s", "RSS MiB", "USS MiB"])
    starts: list[float] = []
    at_start: list[dict[str, float]] = []
    later: list[dict[str, float]] = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        with machine.serving(contender, site, **packages) as process:
            starts.append(time.perf_counter() - before)
            time.sleep(2)  # until all workers have started
            at_start += [memory(worker) for worker in family(process)[1:]]
            load.begin(CONTENDER, site, range(1, SIGN_INS + 1))
            result = load.fire(at_once=8)
            if result.errors:
                raise RuntimeError(f"{result.outcomes}: {result.surprise}")
            later += [memory(worker) for worker in family(process)[1:]]
    for title, seconds, samples in (
        ("after start", median(starts), at_start),
        (f"after {SIGN_INS:,} sign-ins", "", later),
    ):
        table.add(title, seconds, *(median(sample[kind] for sample in samples) for kind in ("rss", "uss")))
    return table


def _idle_modules(site: Site, environ: Mapping[str, str], callbacks: list[Request]) -> Table:
    file = site.directory / "callbacks.pickle"
    file.write_bytes(pickle.dumps(callbacks))
    rounds: list[dict[str, Any]] = [
        json.loads(python(environ, "-S", "-m", "bench.imports", str(file))[0]) for _ in range(ROUNDS)
    ]
    first = rounds[0]
    idle = {name: cost for name, cost in first.items() if not cost["called"]}
    sizes = {name: _middle(rounds, name, "mib") for name in idle}
    table = Table("idle_modules", ["package", "imported by", "modules", "ms", "MiB"])
    for name in sorted(idle, key=lambda name: -sizes[name])[:HEAVIEST]:
        table.add(name, idle[name]["imported_by"], idle[name]["modules"], _middle(rounds, name, "ms"), sizes[name])
    for title, names in (("all that no sign-in calls", idle), ("all", first)):
        totals = [sum(_middle(rounds, name, what) for name in names) for what in ("ms", "mib")]
        table.add(title, "", sum(first[name]["modules"] for name in names), *totals)
    return table


def _middle(rounds: list[dict[str, Any]], name: str, what: str) -> float:
    return float(median(one[name][what] for one in rounds if name in one))
