"""Checks Tencent Cloud's `signature v3 <https://cloud.tencent.com/document/api/213/30654>`_ (TC3-HMAC-SHA256)."""

import hmac
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from django.http import HttpRequest

from .codes import CloudError

#: Seconds by which the client's clock may be wrong.
TOLERANCE = 300

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/,\s]+)/(?P<scope>(?P<date>[0-9-]{10})/(?P<service>\w+)/tc3_request), "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def check(request: HttpRequest, service: str, secrets: Mapping[str, str], skew: float = 0.0) -> None:
    """Check the signature: the client has one of the secrets, and signed just now. Raises CloudError.

    ``skew``: seconds by which our clock is fast.
    """
    found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    timestamp = request.headers.get("X-TC-Timestamp", "")
    if not found or found["service"] != service or not re.fullmatch("[0-9]{1,10}", timestamp):
        raise CloudError("AuthFailure.InvalidAuthorization")
    if abs(time.time() + skew - int(timestamp)) > TOLERANCE:
        raise CloudError("AuthFailure.SignatureExpire")
    if found["id"] not in secrets:
        raise CloudError("AuthFailure.SecretIdNotFound")
    signed = _canonical(request, found["headers"])
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{found['scope']}\n{sha256(signed.encode()).hexdigest()}"
    key = f"TC3{secrets[found['id']]}".encode()
    for word in (found["date"], service, "tc3_request", text):
        key = hmac.digest(key, word.encode(), "sha256")
    date = datetime.fromtimestamp(int(timestamp), UTC).date().isoformat()
    needed = {"content-type", "host"} <= set(found["headers"].split(";"))
    if date != found["date"] or not needed or not hmac.compare_digest(key.hex(), found["signature"]):
        raise CloudError("AuthFailure.SignatureFailure")


def _canonical(request: HttpRequest, names: str) -> str:
    # Tencent's real endpoint is at the root of its host, so the path is always this one.
    path, query = "/", ""
    headers = "".join(f"{name}:{request.headers.get(name, '').strip().lower()}\n" for name in names.split(";"))
    return "\n".join(("POST", path, query, headers, names, sha256(request.body).hexdigest()))
