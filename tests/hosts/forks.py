"""Runs a file of tests for each kind of user model.

The argument names the file. Each line of standard input names a kind, which runs in a fork of this process: modules
that all kinds import without any settings are imported once. A line of JSON says how pytest ended, and what it printed.
"""

import gc
import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import coverage
import pytest

#: No module of ours, because their coverage is measured. No plugin of pytest's, because pytest imports them itself.
SHARED = (
    "_pytest.assertion",
    "_pytest.fixtures",
    "_pytest.junitxml",
    "_pytest.python",
    "_pytest.terminal",
    "altcha",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "dj_database_url",
    "django.contrib.admin",
    "django.contrib.auth.hashers",
    "django.core.management.commands.migrate",
    "django.core.servers.basehttp",
    "django.db.backends.sqlite3.base",
    "django.template.defaultfilters",
    "django.template.defaulttags",
    "django.test.testcases",
    "django.views.debug",
    "jwt",
    "numpy",
    "phonenumbers",
    "PIL.Image",
    "psutil",
    "psycopg",
    "pymysql",
    "redis.asyncio",
    "requests",
    "valkey.asyncio",
)
#: No plugin that the tests there do not use: it takes as long to load as Django.
OPTIONS = ["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--nomigrations"]


def run(kind: str) -> int:
    os.environ["PHONEBIND_USER_KIND"] = kind
    coverage.process_startup()  # if COVERAGE_PROCESS_START asks for it
    tests = Path(__file__).with_name(sys.argv[1])
    return int(pytest.main([*OPTIONS, "--ds=tests.hosts.settings", str(tests)]))


def main() -> None:
    for name in SHARED:
        import_module(name)
    gc.freeze()  # otherwise each fork copies all of it
    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as said:
            child = os.fork()
            if not child:
                for stream in (1, 2):
                    os.dup2(said.fileno(), stream)
                sys.exit(run(line.strip()))
            _, status = os.waitpid(child, 0)
            said.seek(0)
            sys.stdout.write(json.dumps([status, said.read()]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
