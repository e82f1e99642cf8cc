"""The reference server's settings, with the bench's provider in the place of QQ."""

import os
from typing import Any

from server.settings import *  # noqa: F403
from server.settings import LIFECYCLE, PHONEBIND

_QQ: Any = PHONEBIND["PROVIDERS"]
_QQ["qq"]["base_url"] = os.environ["BENCH_UPSTREAM"]
_SMS: Any = PHONEBIND["SMS"]
if "gateways" not in _SMS:
    _SMS["url"] = f"{os.environ['BENCH_UPSTREAM']}/sms"

if LIFECYCLE:
    PHONEBIND["SMS_SIGN_IN"] = True
if os.environ.get("BENCH_NO_HASH") == "1":
    # A cheap hash, to measure what else a sign-in by password costs.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
