"""For commands that need our tables: on a database without them they end with one line, not with a traceback."""

from collections import defaultdict

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from phonebind import databases
from phonebind.health import unapplied


class MigratedCommand(BaseCommand):
    """A command that begins only if the migrations of our apps are applied."""

    requires_migrations_checks = True

    def check_migrations(self) -> None:
        """Django calls it before ``handle``. Its own check would only print a notice."""
        check(*databases.OWN)


def check(*labels: str) -> None:
    """Raises CommandError if a migration of these apps, or one that they depend on, is not applied, or if the database
    cannot be used. Labels of apps that are not installed are ignored.
    """
    by_alias: defaultdict[str, set[str]] = defaultdict(set)
    for model in apps.get_models():
        if model._meta.app_label in labels:
            by_alias[databases.primary(model)].add(model._meta.app_label)
    for alias, own in by_alias.items():
        try:
            # Not of the host's other apps: an update of these must not stop our commands.
            missing = unapplied(connections[alias], own)
        except DatabaseError as error:
            reason = " ".join(str(error).split())  # a driver writes several lines
            raise CommandError(f"The database {alias!r} cannot be used: {reason}") from None
        if missing:
            where = "" if alias == DEFAULT_DB_ALIAS else f" --database={alias}"
            raise CommandError(
                f"The database lacks migrations that phonebind needs, beginning with {missing[0]}: "
                f"run manage.py migrate{where}."
            )
