"""``manage.py phonebind_prune_sessions``: delete sessions that ended, or expired, long ago. Run it once a day."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from phonebind.lifecycle import sessions
from phonebind.migrated import MigratedCommand


class Command(MigratedCommand):
    help = "Delete the sessions that ended, or expired, long ago."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, default=30, help="days after which they are deleted (default: %(default)s)"
        )
        parser.add_argument(
            "--batch", type=int, default=1_000, help="sessions in one transaction (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1 or options["batch"] < 1:
            raise CommandError("--days and --batch must be at least 1")
        deleted = sessions.prune(days=options["days"], batch=options["batch"])
        self.stdout.write(f"Deleted {deleted} sessions.")
