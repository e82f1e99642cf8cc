"""``manage.py phonebind_prune_events``: delete old events. Run it once a day."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from phonebind.migrated import MigratedCommand
from phonebind.operations.events import pruning
from phonebind.operations.events.pruning import MOST

#: China's Cybersecurity Law requires that network logs are kept for six months. This is a little more.
LEAST_DAYS = 180


class Command(MigratedCommand):
    help = (
        "Delete old events. It is safe to run it twice at the same time, and to kill it: each batch is one transaction."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=400, help="how long they are kept (default: %(default)s)")
        parser.add_argument("--batch", type=int, default=1_000, help="how many at a time (default: %(default)s)")
        parser.add_argument("--dry-run", action="store_true", help="only show how many would be deleted")
        parser.add_argument("--force", action="store_true", help=f"allow fewer than {LEAST_DAYS} days")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (1 <= options["days"] <= MOST and 1 <= options["batch"] <= MOST):
            raise CommandError(f"--days and --batch must be from 1 to {MOST}")
        if options["days"] < LEAST_DAYS and not options["force"]:
            raise CommandError(
                f"Events must be kept for at least {LEAST_DAYS} days. Use --force to delete them earlier."
            )
        before = timezone.now() - timedelta(days=options["days"])
        if options["dry_run"]:
            self.stdout.write(f"{pruning.count(before)} events would be deleted (nothing was done).")
            return
        deleted = pruning.prune(before, batch=options["batch"])
        self.stdout.write(f"Deleted {deleted} events.")
