"""How long the open-ended tests run: a short form with all other tests, the full form with ``make torture``."""

import os

FULL = os.environ.get("PHONEBIND_TORTURE") == "full"


def scale(full: int, short: int) -> int:
    """The number of repetitions: in the full form, or in the short one."""
    return full if FULL else short
