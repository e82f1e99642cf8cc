"""``python -m bench.imports REQUESTS``: what each package costs a worker to import, and whether it is called.

Prints JSON: for each package its modules, milliseconds and MiB without what it imports in turn, who imported it first,
and whether one of its functions ran while the requests were answered.
"""

import importlib.machinery
import json
import os
import pickle
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from bench.wsgi import answer

#: Packages so large that their parts are told apart.
DEPTHS = {"django.contrib": 3, "django": 2, "rest_framework": 2}
#: Made by Cython, which tells no profiler of its calls; all that is asked of PostgreSQL goes through it.
UNSEEN = ("psycopg_binary",)
PAGE = resource.getpagesize()


@dataclass
class Cost:
    """Of one package."""

    modules: int = 0
    ms: float = 0.0
    mib: float = 0.0
    imported_by: str = ""
    called: bool = False


costs: dict[str, Cost] = {}
#: The imports under way: module, and what those inside it took.
_under_way: list[tuple[str, list[float]]] = []


def package_of(module: str) -> str:
    """Its first name, or the first few."""
    depth = next((depth for prefix, depth in DEPTHS.items() if f"{module}.".startswith(f"{prefix}.")), 1)
    return ".".join(module.split(".")[:depth])


def watch(loader: Any) -> None:
    """Measure what this kind of loader executes."""
    execute: Callable[[Any, Any], None] = loader.exec_module

    def exec_module(self: Any, module: Any) -> None:
        name = module.__name__
        importer = _under_way[-1][0] if _under_way else ""
        inner = [0.0, 0.0]
        _under_way.append((name, inner))
        start = time.perf_counter(), _resident()
        try:
            execute(self, module)
        finally:
            _under_way.pop()
            took = [time.perf_counter() - start[0], _resident() - start[1]]
            _note(name, importer, took[0] - inner[0], took[1] - inner[1])
            if _under_way:
                outer = _under_way[-1][1]
                outer[:] = [outer[0] + took[0], outer[1] + took[1]]

    loader.exec_module = exec_module


def _note(module: str, importer: str, seconds: float, mib: float) -> None:
    cost = costs.setdefault(package_of(module), Cost())
    if package_of(importer) != package_of(module):
        cost.imported_by = cost.imported_by or importer
    cost.modules += 1
    cost.ms += seconds * 1000
    cost.mib += mib


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20


def _see(frame: FrameType, event: str, argument: Any) -> None:
    """Python functions by where they are defined, built-in ones by what they say."""
    if event == "call":
        module = frame.f_globals.get("__name__")
    elif event == "c_call":
        module = getattr(argument, "__module__", None) or type(getattr(argument, "__self__", None)).__module__
    else:
        return
    cost = costs.get(package_of(str(module)))
    if cost:
        cost.called = True


def main(file: Path) -> None:
    # Before anything that a worker imports.
    for loader in (importlib.machinery.SourceFileLoader, importlib.machinery.ExtensionFileLoader):
        watch(loader)
    from server.wsgi import application  # noqa: PLC0415 - what is measured

    requests = pickle.loads(file.read_bytes())  # noqa: S301 - of the bench's own
    # The URLs' modules are imported by the first of them.
    for number, request in enumerate(requests):
        sys.setprofile(_see if number else None)
        answer(application, request, number)
    sys.setprofile(None)
    for name in UNSEEN:
        costs[name].called = True
    json.dump({name: asdict(cost) for name, cost in costs.items()}, sys.stdout)
    sys.stdout.flush()
    # The pool's threads need not be waited for.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
