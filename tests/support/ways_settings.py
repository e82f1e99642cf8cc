"""The demo with further providers beside the sandbox's QQ."""

from typing import Any

from server.settings import *  # noqa: F403
from server.settings import ORIGIN, PHONEBIND
from tests.support.ways import KINDS, entries

_ours: Any = PHONEBIND["PROVIDERS"]
_providers = {"qq": _ours["qq"], **entries(*KINDS, pages=ORIGIN)}
# One of the sandbox's mobile proofs asks a provider that is not among these.
PHONEBIND = {**PHONEBIND, "PROVIDERS": _providers, "MOBILE_PROOFS": {}}
