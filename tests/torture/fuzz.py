"""``python -m tests.torture.fuzz TARGET … [-runs=10000 …]``: libFuzzer with its options on ``tests.torture.targets``.

All files, also those of the services, are in a temporary directory that is deleted at the end. An input that makes a
check fail is printed in Base64.
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NoReturn

import atheris
import django
from django.core.management import call_command
from django.db import connections

from server.processes import Valkey

SEED = 1
#: Libraries that read untrusted bytes for us. To instrument a whole library would take half a minute.
ALSO = (
    "django.core.signing.loads",
    "django.core.validators.RegexValidator.__call__",
    "django.http.cookie.parse_cookie",
    "django.utils.http._url_has_allowed_host_and_scheme",
    "ipaddress.IPv4Address._ip_int_from_string",
    "ipaddress.IPv6Address._ip_int_from_string",
    "rest_framework.fields.CharField.to_internal_value",
    "urllib.parse._splitnetloc",
    "uuid.UUID.__init__",
)


def main(*arguments: str) -> int:
    """The exit code of the first target that failed."""
    options = [argument for argument in arguments if argument.startswith("-")]
    with tempfile.TemporaryDirectory(prefix="phonebind-fuzz-") as name:
        directory = Path(name)
        valkey = Valkey(directory)
        valkey.start()
        try:
            targets = _instrumented(directory, valkey.url)
            codes = [_run(targets[name], directory / name, options) for name in arguments if name not in options]
        finally:
            valkey.stop()
    return next(filter(None, codes), 0)


def _instrumented(directory: Path, redis_url: str) -> Any:
    os.environ |= {
        "DEBUG": "1",
        "ALLOWED_HOSTS": "testserver",
        "DATA_DIR": str(directory),
        "DATABASE_URL": f"sqlite:///{directory}/db.sqlite3",
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "LOG_LEVEL": "CRITICAL",
    }
    with atheris.instrument_imports(include=["phonebind", "tests.torture.targets"]):
        django.setup()
        targets = import_module("tests.torture.targets").TARGETS
    for function in ALSO:
        atheris.instrument_func(resolve_name(function))
    call_command("migrate", verbosity=0)
    connections.close_all()
    return targets


def _run(target: Callable[[], Any], directory: Path, options: Sequence[str]) -> int:
    """Run it in a child process, because libFuzzer does not return and does not clean up."""
    sys.stderr.write(f"==== {directory.name}\n")
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            _fuzz(target, directory, options)
        except BaseException:  # noqa: BLE001 - otherwise it would rise into the parent's code
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _fuzz(make: Callable[[], Any], directory: Path, options: Sequence[str]) -> NoReturn:
    target, corpus = make(), directory / "corpus"
    corpus.mkdir(parents=True)
    for number, seed in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(seed)
    own = [f"-seed={SEED}", f"-artifact_prefix={directory}/", "-max_len=2048", "-timeout=10"]
    atheris.Setup(["fuzz", *own, *options, str(corpus)], target.check)
    atheris.Fuzz()
    raise AssertionError("libFuzzer returned")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
