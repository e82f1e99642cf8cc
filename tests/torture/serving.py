"""The server under torture, as in production: gunicorn with several worker processes."""

import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from server.processes import spawn, stop
from tests.support.site import ROOT
from tests.torture.outside import Outside

WORKERS = 4
THREADS = 16
#: Only one of these may be set: it says where codes and limits are.
_STORES = ("REDIS_URL", "REDIS_CLUSTER", "REDIS_SENTINELS")


@contextmanager
def serving(
    outside: Outside, settings: Mapping[str, Any], *, logged: Sequence[str] = (), **environ: str
) -> Iterator[tuple[int, int]]:
    """Its port, and the id of its first process. ``settings`` override PHONEBIND, and ``environ`` the server's
    environment. ``logged`` lists what it may log as an error.
    """
    own = _environment(outside, settings, environ)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener, tempfile.TemporaryFile("w+") as log:
        listener.set_inheritable(True)
        own["BIND"] = f"fd://{listener.fileno()}"
        command = [sys.executable, "-m", "gunicorn", "-c", "python:server.gunicorn_conf"]
        process = spawn(command, cwd=ROOT, env=own, pass_fds=[listener.fileno()], stdout=log, stderr=log)
        try:
            yield listener.getsockname()[1], process.pid
        finally:
            outside.hanging.clear()
            stop(process, timeout=30)
            log.seek(0)
            told = log.read()
            if process.returncode:
                sys.stderr.write(told)
        # A fault that a test causes on purpose may be logged with a traceback. The line above a traceback says what was
        # being done.
        headings = re.findall(r"^(.+)\nTraceback", told, re.MULTILINE)
        unexpected = [line for line in headings if not any(words in line for words in logged)]
        assert not unexpected, f"logged with a traceback: {unexpected}"


def _environment(outside: Outside, settings: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    own = dict(os.environ)
    if environ.keys() & set(_STORES):
        own = {name: value for name, value in own.items() if name not in _STORES}
    return own | {
        "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
        "DEBUG": "1",
        "TORTURE_OUTSIDE": outside.url,
        "TORTURE_SETTINGS": json.dumps(settings),
        "WORKERS": str(WORKERS),
        "THREADS": str(THREADS),
        "LOG_LEVEL": "ERROR",
        **environ,
    }
