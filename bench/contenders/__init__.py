"""Who is measured. Each module here says how one of them is set up, and how a browser signs in there.

They all get the same of everything: one PostgreSQL, with a database of their own; the same people bound; the same
provider over HTTPS; as many workers. Each is configured as its own documentation recommends for production.
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

#: The modules beside this one, in the order of the tables.
NAMES = ("phonebind", "limit", "limit_in_drf", "bare_drf", "better_auth", "tutorial", "social_auth", "allauth")

#: What the provider knows every contender by.
CLIENT_ID = "101234567"
CLIENT_SECRET = "bench-secret"

#: As a proxy that ended TLS says it.
HTTPS = {"X-Forwarded-Proto": "https"}


@dataclass(frozen=True)
class Site:
    """What a contender finds around it."""

    port: int
    #: ``postgresql://…``, of an empty database at first.
    database_url: str
    redis_url: str
    #: ``https://127.0.0.1:…``: bench/upstream.py.
    upstream: str
    #: For its files.
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
    """What it gets; header names in lower case."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def cookies(self) -> str:
        """As they are sent back."""
        return "; ".join(value.partition(";")[0] for key, value in self.headers if key == "set-cookie")


@dataclass(frozen=True)
class Contender:
    """One of them."""

    #: Its module, and its database.
    name: str
    #: In tables.
    title: str
    #: Makes its tables in an empty database.
    prepare: Callable[[Site], None]
    #: SQL that makes people number ``:first`` to ``:last``, each with an account, bound to ``upper(md5(n::text))``.
    seed: Sequence[str]
    #: The command that serves it, and its environment beside :func:`environ`.
    command: Callable[[Site], Sequence[str]]
    environ: Callable[[Site], Mapping[str, str]]
    #: The browser's first request, or None where a callback needs none.
    begin: Callable[[Site], Request] | None
    #: The browser comes back with a code; the answer is to the first request.
    call_back: Callable[[Site, Answer | None, str], Request]
    is_signed_in: Callable[[Answer], bool]
    #: What must be there to run it.
    needs: str = "python"
    #: The checkout that it is served from.
    root: Path = ROOT


def gunicorn(app: str, site: Site) -> list[str]:
    """How Python contenders are served: processes with threads, since they wait for the provider."""
    options = ["--worker-class", "gthread", "--workers", str(site.workers), "--threads", str(site.threads)]
    options += ["--bind", f"127.0.0.1:{site.port}", "--backlog", "4096", "--keep-alive", "75", "--log-level", "warning"]
    return [sys.executable, "-m", "gunicorn", *options, "--no-control-socket", "--worker-connections", "4096", app]


def manage(settings: str, environ: Mapping[str, str], *command: str) -> None:
    """Run one of Django's commands for a contender."""
    subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=ROOT,
        env={**os.environ, **environ, "DJANGO_SETTINGS_MODULE": settings},
        check=True,
    )


def all_there() -> list[Contender]:
    """Everybody who can run here; who cannot is named."""
    found = []
    for name in NAMES:
        contender: Contender = import_module(f"bench.contenders.{name}").CONTENDER
        if contender.needs == "node" and not (ROOT / "bench" / "contenders" / name / "node_modules").exists():
            print(f"**** NOT MEASURED, for want of Node.js: {contender.title}")
        else:
            found.append(contender)
    return found
