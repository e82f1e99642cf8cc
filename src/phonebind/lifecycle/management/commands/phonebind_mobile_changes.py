"""``manage.py phonebind_mobile_changes``: carry out the changes of mobile that are due. Run it every few minutes.

Two runs at once are safe, and so is a run that is killed: each change is one transaction.
"""

from collections import Counter
from typing import Any

from phonebind.lifecycle import numbers
from phonebind.migrated import MigratedCommand


class Command(MigratedCommand):
    help = "Carry out the changes of mobile that are due."

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        for user_pk in numbers.due():
            outcome = numbers.carry_out(user_pk)
            counts[outcome] += 1
            if outcome == "taken":
                self.stderr.write(f"user {user_pk}: another account has the number by now")
            elif outcome == "refused":
                self.stderr.write(f"user {user_pk}: the account is disabled, or its model refuses the number")
        self.stdout.write(f"changed {counts['changed']}, taken {counts['taken']}, refused {counts['refused']}")
