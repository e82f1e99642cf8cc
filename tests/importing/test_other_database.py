"""The old table may be in a separate database: here a SQLite file, with any database for phonebind itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from phonebind.models import SocialAccount
from tests.importing.conftest import Run, customer, old

ALIAS = "old_shop"

pytestmark = pytest.mark.django_db(transaction=True, databases=[DEFAULT_DB_ALIAS, ALIAS])


@pytest.fixture(scope="module", autouse=True)
def file(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("old") / "shop.sqlite3"
    primary = connections.settings[DEFAULT_DB_ALIAS]
    # Django neither mirrors nor empties this database.
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {}, "TIME_ZONE": "Asia/Shanghai"}
    connections.settings[ALIAS] = {**primary, **own, "TEST": {**primary["TEST"], "MIRROR": DEFAULT_DB_ALIAS}}
    yield path
    connections[ALIAS].close()
    del connections[ALIAS], connections.settings[ALIAS]


def test_it_is_read_there_and_written_here(file: Path, run: Run) -> None:
    user = customer(1)
    # A table with the same name in our database is not read.
    old("B1", 987_654_321)
    with closing(sqlite3.connect(file)) as shop, shop:
        shop.execute(
            "CREATE TABLE tb_oauth_qq (id integer PRIMARY KEY, create_time datetime, openid text, user_id int)"
        )
        shop.execute("INSERT INTO tb_oauth_qq VALUES (1, '2020-01-01 08:00:00', 'A1', ?)", [user.pk])
    report = run("--commit", "--database", ALIAS)
    assert (run.status, report["source"]) == (0, "tb_oauth_qq (old_shop)")
    account = SocialAccount.objects.get()
    # Its days are in the time zone that the setting names.
    assert (account.openid, account.created_at) == ("A1", datetime(2020, 1, 1, tzinfo=UTC))
    run("--commit", "--database", ALIAS, "--reverse")
    assert not SocialAccount.objects.exists()
