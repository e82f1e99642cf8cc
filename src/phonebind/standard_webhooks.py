"""`Standard Webhooks <https://www.standardwebhooks.com>`_: how a message is signed, and whether one is.

Verifiers exist in ten languages. We sign what the HTTP gateway of SMS sends, and webhooks; what is pushed to us by that
gateway's bridge is signed alike.
"""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Mapping

PREFIX = "whsec_"
#: Bytes; what Standard Webhooks asks for.
SHORTEST_KEY = 24
#: Seconds that the stamp of what others have signed may differ from our clock.
TOLERANCE = 300
#: What a secret must be.
SECRET = f"{PREFIX} and {SHORTEST_KEY} bytes or more in base64"

_STAMP = re.compile(r"[0-9]{1,12}")


def is_secret(secret: str) -> bool:
    """Whether it is what ``SECRET`` says."""
    try:
        return secret.startswith(PREFIX) and len(_key(secret)) >= SHORTEST_KEY
    except (binascii.Error, ValueError):
        return False


def headers(message_id: str, body: bytes, *secrets: str) -> dict[str, str]:
    """The three headers of a message that is sent now, signed by each of the secrets."""
    stamp = str(int(time.time()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_signed(secret, message_id, stamp, body) for secret in secrets),
    }


def is_signed(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Whether one of the signatures is by this secret, and lately made."""
    id_, stamp, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not _STAMP.fullmatch(stamp) or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    ours = _signed(secret, id_, stamp, body).encode()
    # Several while a secret is being changed.
    return any(hmac.compare_digest(ours, theirs.encode()) for theirs in signatures.split(" "))


def _signed(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    signed = hmac.digest(_key(secret), f"{message_id}.{stamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
