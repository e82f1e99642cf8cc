"""``manage.py phonebind_webhooks``: send the webhooks in the outbox. Keep it running. Several processes may run at
the same time.
"""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from phonebind.conf import conf
from phonebind.migrated import MigratedCommand
from phonebind.operations.webhooks import delivery, outbox


class Command(MigratedCommand):
    help = "Send webhooks to the endpoints of WEBHOOKS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "endpoints", nargs="*", metavar="endpoint", help="send only to these endpoints (default: all)"
        )
        parser.add_argument("--once", action="store_true", help="send the messages that are due now, then exit")
        parser.add_argument(
            "--threads", type=int, default=1, help="messages at once to one endpoint (default: %(default)s)"
        )

    def handle(self, *args: Any, endpoints: list[str], once: bool, threads: int, **options: Any) -> None:
        names = endpoints or list(conf.webhooks)
        if not names:
            raise CommandError("WEBHOOKS has no endpoint.")
        if unknown := [name for name in names if name not in conf.webhooks]:
            raise CommandError(f"WEBHOOKS has no {', '.join(unknown)}.")
        if threads < 1:
            raise CommandError("--threads must be at least 1")
        stop = threading.Event()
        former = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            delivery.run(names, stop, threads=threads, once=once)
        finally:
            for each, handler in former.items():
                signal.signal(each, handler)
        if once:
            self.stdout.write(f"{outbox.waiting(names)} messages wait.")
