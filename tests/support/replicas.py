"""Replicas that lag: they hold what the primary had when they last followed, until they follow again.

The tests' SQLite database is the primary. The replicas are read-only copies of its file.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

REPLICAS = ("replica1", "replica2")


class PrimaryReplicaRouter:
    """Copied word for word from Django's documentation ("Multiple databases"), except for the primary's name."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """
        Reads go to a randomly-chosen replica.
        """
        return random.choice(["replica1", "replica2"])

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """
        Writes always go to primary.
        """
        return DEFAULT_DB_ALIAS

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool | None:
        """
        Relations between objects are allowed if both objects are
        in the primary/replica pool.
        """
        db_set = {DEFAULT_DB_ALIAS, "replica1", "replica2"}
        if obj1._state.db in db_set and obj2._state.db in db_set:
            return True
        return None

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        """
        All non-auth models end up in this pool.
        """
        return True


class SilentRouter:
    """The same without allow_relation: Django then allows relations only between rows of one alias."""

    db_for_read = PrimaryReplicaRouter.db_for_read
    db_for_write = PrimaryReplicaRouter.db_for_write


class Replicas:
    """The databases that reads are sent to."""

    def __init__(self, directory: Path) -> None:
        for alias in REPLICAS:
            connections[alias].settings_dict["NAME"] = f"file:{directory / alias}?mode=ro"
        self._files = {alias: directory / alias for alias in REPLICAS}
        self.follow()

    def follow(self) -> None:
        """Copy the primary's current data: there is no lag until the next write."""
        primary = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
        for alias, file in self._files.items():
            connections[alias].close()
            with closing(sqlite3.connect(primary)) as source, closing(sqlite3.connect(file)) as copy:
                source.backup(copy)


@contextmanager
def replica_aliases() -> Iterator[None]:
    """A test may use the replicas if it is marked with ``pytest.mark.django_db(databases=["default", *REPLICAS])``."""
    primary = connections.settings[DEFAULT_DB_ALIAS]
    for alias in REPLICAS:
        # With these settings Django neither makes a mirror nor empties it.
        own = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}, "TEST": {**primary["TEST"], "MIRROR": "default"}}
        connections.settings[alias] = {**primary, **own}
    yield
    for alias in REPLICAS:
        connections[alias].close()
        del connections[alias], connections.settings[alias]
