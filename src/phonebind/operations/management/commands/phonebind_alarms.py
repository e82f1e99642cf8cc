"""``manage.py phonebind_alarms``: check for SMS pumping. For a monitor: the exit status is 1 if pumping is
suspected.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from phonebind.operations.reports import pumping


class Command(BaseCommand):
    help = "Say how many of the last hour's SMS codes were used. Ends with 1, and alarms, where they are too few."

    def handle(self, *args: Any, **options: Any) -> None:
        seen = pumping.look()
        state = "SMS pumping is suspected" if seen.is_suspect else "nothing is suspected"
        self.stdout.write(f"{state}: {seen.sent} SMS to {seen.numbers} numbers in an hour, {seen.used} used the code")
        if seen.is_suspect:
            sys.exit(1)
