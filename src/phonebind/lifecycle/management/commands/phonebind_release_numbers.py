"""``manage.py phonebind_release_numbers FILE``: remove from accounts the numbers that carriers gave to others."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from phonebind import accounts, mobiles
from phonebind.lifecycle import numbers
from phonebind.lifecycle.exceptions import MobileKept
from phonebind.migrated import MigratedCommand


class Command(MigratedCommand):
    help = (
        "Remove the numbers in a file from the accounts that have them. Without --yes it only prints what it would do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="one number on each line, in any format")
        parser.add_argument("--reason", default="carrier", choices=["carrier", "new_owner"])
        parser.add_argument("--end-sessions", action="store_true", help="sign the accounts out everywhere")
        parser.add_argument("--yes", action="store_true", help="do it")

    def handle(self, *args: Any, file: str, reason: str, end_sessions: bool, yes: bool, **options: Any) -> None:
        counts: Counter[str] = Counter()
        try:
            with Path(file).open(encoding="utf-8-sig", errors="replace") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        counts[self._one(number, line, reason, end_sessions=end_sessions, yes=yes)] += 1
        except OSError as error:
            raise CommandError(str(error)) from None
        done = "released" if yes else "would be released (nothing was done: add --yes)"
        self.stdout.write(f"{counts['held']} {done}, {counts['free']} without an account, {counts['bad']} not a mobile")
        if counts["kept"]:
            raise CommandError(f"{counts['kept']} kept: the user model does not allow users without a mobile")

    def _one(self, number: int, line: str, reason: str, *, end_sessions: bool, yes: bool) -> str:
        mobile = mobiles.clean(line.strip())
        if not mobiles.is_mobile(mobile):
            self.stderr.write(f"line {number}: not a mobile")
            return "bad"
        user = accounts.find(mobile)
        if user is None:
            return "free"
        if not yes:
            return "held"
        try:
            return "held" if numbers.release(user, mobile, reason, end_sessions=end_sessions) else "free"
        except MobileKept:
            self.stderr.write(f"line {number}: user {user.pk} needs its number")
            return "kept"
