"""Django's own ``migrate``, one at a time of all nodes that share the database."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from server.migrating import locked


class Command(migrate.Command):
    """``python -m server.manage migrate``; a start without ``MIGRATE=0`` runs it too."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Waits while another node migrates, and then finds little or nothing to do."""
        with locked(connections[options["database"]]):
            super().handle(*args, **options)
