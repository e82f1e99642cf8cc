"""Django's ``migrate`` command, run by one node at a time of all that share the database."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from server.migrating import locked, reach


class Command(migrate.Command):
    """``python -m server.manage migrate``. The server's start runs it too, unless ``MIGRATE=0``."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Waits while another node migrates. Then little or nothing is left to do."""
        connection = connections[options["database"]]
        reach(connection)
        with locked(connection):
            super().handle(*args, **options)
