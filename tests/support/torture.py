"""How hard the tests try that have no natural end: a short form with all others, the whole with ``make torture``."""

import os

FULL = os.environ.get("PHONEBIND_TORTURE") == "full"


def scale(full: int, short: int) -> int:
    """How often: in the whole form, or in the short one."""
    return full if FULL else short
