"""For commands that need our tables: on a database without them they end with one line, not with a traceback."""

from collections import defaultdict

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from phonebind import databases


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
            missing = _missing(alias, own)
        except DatabaseError as error:
            reason = " ".join(str(error).split())  # a driver writes several lines
            raise CommandError(f"The database {alias!r} cannot be used: {reason}") from None
        if missing:
            where = "" if alias == DEFAULT_DB_ALIAS else f" --database={alias}"
            raise CommandError(
                f"The database lacks migrations that phonebind needs, beginning with {missing[0]}: "
                f"run manage.py migrate{where}."
            )


def _missing(alias: str, labels: set[str]) -> list[str]:
    """Not the migrations of the host's other apps: an update of these must not stop our commands."""
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan([leaf for label in labels for leaf in executor.loader.graph.leaf_nodes(label)])
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
