"""How hard the tests try that have no natural end: PHONEBIND_TORTURE=full tries ten times as hard."""

import os

FULL = os.environ.get("PHONEBIND_TORTURE") == "full"
TIMES = 10 if FULL else 1
