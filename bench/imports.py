"""``python -m bench.imports REQUESTS``: what each package costs a worker to import, and whether it is used.

Prints JSON. For each package: its modules; milliseconds and MiB without the packages that it imports itself; the
package that imported it first; and whether one of its functions ran while the requests were answered.
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

#: Large packages that are split into their parts.
DEPTHS = {"django.contrib": 3, "django": 2, "rest_framework": 2}
#: Made by Cython, so a profiler does not see its calls. All SQL statements go through it.
UNSEEN = ("psycopg_binary",)
PAGE = resource.getpagesize()


@dataclass
class Cost:
    """The cost of one package."""

    modules: int = 0
    ms: float = 0.0
    mib: float = 0.0
    imported_by: str = ""
    called: bool = False


costs: dict[str, Cost] = {}
#: Imports in progress: the module, and the cost of the imports inside it.
_under_way: list[tuple[str, list[float]]] = []


def package_of(module: str) -> str:
    """The first part of the module's name, or the first few parts."""
    depth = next((depth for prefix, depth in DEPTHS.items() if f"{module}.".startswith(f"{prefix}.")), 1)
    return ".".join(module.split(".")[:depth])


def watch(loader: Any) -> None:
    """Measure the modules that this kind of loader executes."""
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
    """Note the package of a call: Python functions by their file, built-in functions by their name."""
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
    # This comes before all imports of a worker.
    for loader in (importlib.machinery.SourceFileLoader, importlib.machinery.ExtensionFileLoader):
        watch(loader)
    from server.wsgi import application  # noqa: PLC0415 - what is measured

    requests = pickle.loads(file.read_bytes())  # noqa: S301 - written by the bench itself
    # The first request imports the modules of the URLs.
    for number, request in enumerate(requests):
        sys.setprofile(_see if number else None)
        answer(application, request, number)
    sys.setprofile(None)
    for name in UNSEEN:
        costs[name].called = True
    json.dump({name: asdict(cost) for name, cost in costs.items()}, sys.stdout)
    sys.stdout.flush()
    # Do not wait for the threads of the pool.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
