"""``manage.py phonebind_prune_outbox``: delete webhooks that were delivered long ago. Run it once a day."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from phonebind.migrated import MigratedCommand
from phonebind.operations.events.pruning import MOST
from phonebind.operations.webhooks import outbox


class Command(MigratedCommand):
    help = "Delete old webhooks that were delivered, or whose endpoint is no longer in WEBHOOKS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how long they are kept (default: %(default)s)")
        parser.add_argument("--batch", type=int, default=1_000, help="how many at a time (default: %(default)s)")
        parser.add_argument("--given-up", action="store_true", help="also delete those that were given up")

    def handle(self, *args: Any, days: int, batch: int, given_up: bool, **options: Any) -> None:
        if not (1 <= days <= MOST and 1 <= batch <= MOST):
            raise CommandError(f"--days and --batch must be from 1 to {MOST}")
        deleted = outbox.prune(days=days, batch=batch, given_up=given_up)
        self.stdout.write(f"Deleted {deleted} messages.")
