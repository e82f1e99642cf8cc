"""The reference server as ``make run`` starts it, in its own process."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.processes import spawn, stop

ROOT = Path(__file__).parents[2]
#: Variables that the tests set for themselves. They are not passed on to a site, which finds its own values.
SERVICES = {"REDIS_URL", "DATABASE_URL", "DEBUG", "LIFECYCLE", "OPERATIONS"}


@dataclass(frozen=True)
class Site:
    """A server that answers."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def start(data: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """The process. ``environ`` overrides its environment; its stderr is in ``data/log``."""
    own = {name: value for name, value in os.environ.items() if name not in SERVICES}
    data.mkdir(parents=True, exist_ok=True)
    with (data / "log").open("w") as log:
        process = spawn(
            [sys.executable, "-m", "server.run"],
            cwd=ROOT,
            env=own | {"PORT": "0", "DATA_DIR": str(data)} | environ,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        with process:
            try:
                yield process
            finally:
                stop(process, timeout=30)


@contextmanager
def serve(data: Path, **environ: str) -> Iterator[str]:
    """Its base URL, such as ``http://127.0.0.1:41234``, as soon as it answers."""
    with serving(data, **environ) as site:
        yield site.url


@contextmanager
def serving(data: Path, **environ: str) -> Iterator[Site]:
    """Its base URL and the process."""
    with start(data, **environ) as process:
        assert process.stdout
        for line in process.stdout:
            if found := re.search(r"runs on (http://\S+)", line):
                yield Site(found[1], process)
                return
        raise AssertionError(f"the reference server did not start:\n{(data / 'log').read_text()}")
