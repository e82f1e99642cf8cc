"""The reference server under ASGI: many clients at once use few database connections, and none stays open."""

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

from tests.support.racers import together
from tests.support.servers import serving

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]

MANY = 24
THREADS = 6


def database_url() -> str:
    url = urlsplit(os.environ["DATABASE_URL"])
    query = f"{url.query}&application_name=asgi".lstrip("&")
    return urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}", query=query))


def connections() -> int:
    """The number of the server's connections, as PostgreSQL counts them."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as own:
        row = own.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'asgi'").fetchone()
    assert row
    return int(row[0])


@contextmanager
def watched() -> Iterator[Callable[[], int]]:
    """The highest number of connections while the block runs."""
    counts, over = [0], threading.Event()

    def watch() -> None:
        while not over.is_set():
            counts.append(connections())
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: max(counts)
    finally:
        over.set()
        thread.join()


def sign_in(port: int, number: int) -> int:
    """Sign in with a username that does not exist."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"username": f"nobody-{number}", "password": "horse-staple-9"})
    client.request("POST", "/authorizations/", body, {"Content-Type": "application/json"})
    status = client.getresponse().status
    client.close()
    return status


@pytest.mark.parametrize(
    ("settings_module", "most", "left"),
    [
        ("server.settings", 8, 8),  # the size of the pool
        # A few more: PostgreSQL's process for a closed connection exists a moment longer.
        ("tests.support.unpooled_settings", THREADS + 4, 0),
    ],
)
def test_a_crowd_has_few_connections_and_leaves_none(
    tmp_path: Path, settings_module: str, most: int, left: int
) -> None:
    environ = {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": settings_module, "THREADS": str(THREADS)}
    # The database is the tests' own. It must keep the tables of the tests' apps.
    environ["LIFECYCLE"] = os.environ["LIFECYCLE"]
    limits = {"LIMITS": json.dumps({"password_address": [10_000, 900]})}
    with serving("uvicorn", tmp_path, **environ, **limits) as port, watched() as peak:
        assert set(together(sign_in, [(port, number) for number in range(MANY)])) <= {401, 503}  # or busy
        assert 0 < peak() <= most
        # A connection is closed after the answer.
        deadline = time.monotonic() + 10
        while connections() > left and time.monotonic() < deadline:
            time.sleep(0.05)
        assert connections() <= left
