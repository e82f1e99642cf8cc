"""Django's backend for SQLite, with a file that other users of the machine cannot read."""

import sqlite3
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from server import private


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite makes the file with the umask's mode. The write-ahead log beside it gets the mode of the file."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        """A connection. A new file is made here, readable for its owner alone."""
        name = str(conn_params["database"])
        if not name.startswith((":memory:", "file:")):
            private.file(Path(name))
            for beside in (f"{name}-wal", f"{name}-shm"):
                private.existing_file(Path(beside))
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        return connection
