"""``manage.py phonebind_alarms``: check for SMS pumping. For a monitor: the exit status is 1 if pumping is
suspected.
"""

import sys
from typing import Any

from phonebind.migrated import MigratedCommand
from phonebind.operations.reports import pumping


class Command(MigratedCommand):
    help = "Show how many SMS codes of the last hour were used. If too few: alarm, and exit with status 1."

    def handle(self, *args: Any, **options: Any) -> None:
        seen = pumping.look()
        state = "SMS pumping is suspected" if seen.is_suspect else "nothing is suspected"
        self.stdout.write(f"{state}: {seen.sent} SMS to {seen.numbers} numbers in an hour, {seen.used} used the code")
        if seen.is_suspect:
            sys.exit(1)
