"""`Standard Webhooks <https://www.standardwebhooks.com>`_: sign a message, and verify one.

Verifiers exist in ten languages. We sign the requests of the HTTP gateway for SMS, and webhooks. The bridge of that
gateway signs its requests to us in the same way.
"""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Mapping

PREFIX = "whsec_"
#: Bytes that Standard Webhooks requires.
SHORTEST_KEY = 24
#: Seconds that the timestamp of a received message may differ from our clock.
TOLERANCE = 300
#: The form of a secret, for error messages.
SECRET = f"{PREFIX} and {SHORTEST_KEY} bytes or more in base64"

_STAMP = re.compile(r"[0-9]{1,12}")


def is_secret(secret: str) -> bool:
    """Whether it has the form of ``SECRET``."""
    try:
        return secret.startswith(PREFIX) and len(_key(secret)) >= SHORTEST_KEY
    except (binascii.Error, ValueError):
        return False


def headers(message_id: str, body: bytes, *secrets: str) -> dict[str, str]:
    """The three headers of a message that is sent now. Each secret makes one signature."""
    stamp = str(int(time.time()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_signed(secret, message_id, stamp, body) for secret in secrets),
    }


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether one of the signatures was made with this secret, at most ``TOLERANCE`` seconds ago."""
    id_, stamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not _STAMP.fullmatch(stamp) or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    ours = _signed(secret, id_, stamp, body).encode()
    # There are several signatures while a secret is being changed.
    return any(hmac.compare_digest(ours, theirs.encode()) for theirs in signatures.split(" "))


def _signed(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    signed = hmac.digest(_key(secret), f"{message_id}.{stamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
