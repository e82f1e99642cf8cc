"""The reference server under torture: unchanged, except for its neighbours and for limits that would end a run
early.
"""

import json
import os
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, PASSWORD_HASHERS, PHONEBIND

DATABASES["default"]["NAME"] = os.environ["TORTURE_DB"]
PASSWORD_HASHERS = ["server.hashers.Argon2id", *PASSWORD_HASHERS[1:]]  # a crowd has to wait for a real hash
_OUTSIDE = os.environ["TORTURE_OUTSIDE"]
_QQ: Any = PHONEBIND["PROVIDERS"]
PHONEBIND: dict[str, Any] = {  # type: ignore[no-redef]
    **PHONEBIND,
    "PROVIDERS": {"qq": _QQ["qq"] | {"base_url": _OUTSIDE, "unionid": False}},
    "MOBILE_PROOFS": {},
    "SMS": {"gateway": "phonebind.sms.sandbox.Sandbox", "url": f"{_OUTSIDE}/sms"},
    "TRUSTED_PROXIES": 1,
    **json.loads(os.environ["TORTURE_SETTINGS"]),
}
