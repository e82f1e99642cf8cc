"""Prints the SMS. It is for a first look, never for production."""

import sys
from typing import ClassVar

from phonebind.conf import development
from phonebind.sms.base import NOTICES, Message


class Console:
    """Prints each SMS on standard output. It refuses to work with ``DEBUG`` off."""

    name: ClassVar[str] = "console"
    notices = NOTICES

    def check(self) -> list[str]:
        return [] if development() else ["the console gateway prints SMS codes; choose a real one with DEBUG off"]

    def send(self, message: Message) -> None:
        # Not a logger: SMS codes must never go to logs.
        sys.stdout.write(f"SMS to {message.mobile}: {message.text}\n")
        sys.stdout.flush()
