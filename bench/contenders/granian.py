"""phonebind's reference server under Granian instead of gunicorn, with the same number of processes and threads."""

import sys
from dataclasses import replace

from bench.contenders import Site, phonebind


def command(site: Site) -> list[str]:
    options = ["--interface", "wsgi", "--workers", str(site.workers), "--blocking-threads", str(site.threads)]
    options += ["--host", "127.0.0.1", "--port", str(site.port), "--backlog", "4096", "--no-ws"]
    return [sys.executable, "-m", "granian", *options, "server.wsgi:application"]


CONTENDER = replace(phonebind.CONTENDER, name="granian", title="Granian", command=command)
