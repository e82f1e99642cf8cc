"""The reference server is told to end while it counts a flood. Its counts are written to the table."""

import http.client
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.site import serving

pytestmark = pytest.mark.once
LIMITS = json.dumps({"password_address": [2, 900]})
QUERY = "SELECT sum(count), count(*) FROM phonebind_operations_securityevent WHERE outcome = 'too_many_attempts'"


def test_workers_that_end_write_what_they_have_counted(tmp_path: Path) -> None:
    with serving(tmp_path / "data", DEBUG="1", LIFECYCLE="0", OPERATIONS="1", WORKERS="2", LIMITS=LIMITS) as site:
        statuses = [_guess(urlsplit(site.url).netloc) for _ in range(40)]
    [database] = (tmp_path / "data").glob("**/*.sqlite3")
    with closing(sqlite3.connect(database)) as connection:
        total, rows = connection.execute(QUERY).fetchone()
    assert total == statuses.count(429) == 38
    assert rows < 10


def _guess(host: str) -> int:
    form = json.dumps({"username": "nobody", "password": "wrong"})
    with closing(http.client.HTTPConnection(host, timeout=10)) as connection:
        connection.request("POST", "/authorizations/", form, {"Content-Type": "application/json"})
        return connection.getresponse().status
