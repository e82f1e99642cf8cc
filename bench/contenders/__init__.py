"""The contenders: the sign-ins that are compared. Each module here says how one is set up, and how a browser signs in.

The conditions are the same for all: one PostgreSQL with a database for each contender, the same bound people, the same
provider over HTTPS, the same number of workers. Each contender is configured for production as its own documentation
recommends.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

#: The modules in this package, in the order of the tables.
NAMES = ("phonebind", "limit", "limit_in_drf", "bare_drf", "better_auth", "tutorial", "social_auth", "allauth")

#: The client id that every contender has at the provider.
CLIENT_ID = "101234567"
CLIENT_SECRET = "bench-secret"

#: The header of a proxy that has terminated TLS.
HTTPS = {"X-Forwarded-Proto": "https"}


@dataclass(frozen=True)
class Site:
    """The environment of a contender."""

    port: int
    #: ``postgresql://…``: the URL of a database that is empty at first.
    database_url: str
    redis_url: str
    #: ``https://127.0.0.1:…``: the provider's stub, bench/upstream.py.
    upstream: str
    #: For the contender's files.
    directory: Path
    workers: int = 2
    threads: int = 64

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Request:
    """What a browser sends."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the browser receives. Header names are in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookies(self) -> str:
        """The cookies of the answer, as the browser sends them back."""
        return "; ".join(value.partition(";")[0] for key, value in self.headers if key == "set-cookie")


@dataclass(frozen=True)
class Contender:
    """One sign-in that is measured."""

    #: The name of its module and of its database.
    name: str
    #: The title in tables.
    title: str
    #: Make its tables in an empty database.
    prepare: Callable[[Site], None]
    #: SQL that makes the people from ``:first`` to ``:last``. Each has an account that is bound to
    #: ``upper(md5(n::text))``.
    seed: Sequence[str]
    #: The command that serves it, and its environment variables in addition to :func:`environ`.
    command: Callable[[Site], Sequence[str]]
    environ: Callable[[Site], Mapping[str, str]]
    #: The browser's first request, or None if the callback needs none.
    begin: Callable[[Site], Request] | None
    #: The request with which the browser comes back with a code. The answer is the one to the first request.
    call_back: Callable[[Site, Answer | None, str], Request]
    is_signed_in: Callable[[Answer], bool]
    #: The program that it needs.
    needs: str = "python"
    #: The checkout that serves it.
    root: Path = ROOT


def gunicorn(app: str, site: Site) -> list[str]:
    """The command for Python contenders: processes with threads, because they wait for the provider."""
    options = ["--worker-class", "gthread", "--workers", str(site.workers), "--threads", str(site.threads)]
    options += ["--bind", f"127.0.0.1:{site.port}", "--backlog", "4096", "--keep-alive", "75", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", *options, "--no-control-socket", "--worker-connections", "4096", app]


def manage(settings: str, environ: Mapping[str, str], *command: str) -> None:
    """Run a Django management command for a contender."""
    subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=ROOT,
        env={**os.environ, **environ, "DJANGO_SETTINGS_MODULE": settings},
        check=True,
    )


def all_there() -> list[Contender]:
    """All contenders that can run here. The others are printed."""
    found = []
    for name in NAMES:
        contender: Contender = import_module(f"bench.contenders.{name}").CONTENDER
        if contender.needs == "node" and not (ROOT / "bench" / "contenders" / name / "node_modules").exists():
            print(f"**** NOT MEASURED, for want of Node.js: {contender.title}")
        else:
            found.append(contender)
    return found
