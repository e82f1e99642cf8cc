"""Checks Aliyun's `signature V3
<https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature>`_ (ACS3-HMAC-SHA256).
"""

import hmac
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote

from django.http import HttpRequest

from . import state
from .sms_codes import SmsRefused

#: Seconds by which the client's clock may be wrong, in both directions. A nonce is remembered for twice as long.
TOLERANCE = 900

DATE = "%Y-%m-%dT%H:%M:%SZ"

#: Headers that every request must have and sign.
REQUIRED = frozenset(
    {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
)

_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=(?P<id>[^,\s]+),\s*"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


def check(request: HttpRequest, secrets: Mapping[str, str], skew: float = 0.0) -> None:
    """Check the signature: the client has one of the secrets, signed just now, and sends the request once.

    ``skew``: seconds by which our clock is fast. Raises SmsRefused.
    """
    found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if not found or not _is_complete(request, set(found["headers"].split(";"))):
        raise SmsRefused("IncompleteSignature", "The request signature does not conform to Aliyun standards.")
    if found["id"] not in secrets:
        raise SmsRefused("InvalidAccessKeyId.NotFound")
    if abs(time.time() + skew - _seconds(request.headers.get("x-acs-date", ""))) > TOLERANCE:
        raise SmsRefused("InvalidTimeStamp.Expired")
    signed = sha256(_canonical(request, found["headers"]).encode()).hexdigest()
    signature = hmac.digest(secrets[found["id"]].encode(), f"ACS3-HMAC-SHA256\n{signed}".encode(), "sha256").hex()
    if not hmac.compare_digest(signature, found["signature"]):
        raise SmsRefused("SignatureDoesNotMatch")
    nonce = f"{found['id']} {request.headers['x-acs-signature-nonce']}"
    if not state.put_once("acs3_nonce", nonce, 2 * TOLERANCE):
        raise SmsRefused("SignatureNonceUsed")


def _is_complete(request: HttpRequest, signed: set[str]) -> bool:
    """Whether all required headers are present and signed."""
    there = {name.lower() for name, value in request.headers.items() if value}
    # Python servers add a content type if the client sent none. So it is required only for a request with a body.
    typed = {"content-type"} if request.body else set()
    needed = REQUIRED | typed | {name for name in there if name.startswith("x-acs-")}
    return needed <= there and needed <= signed


def _seconds(date: str) -> float:
    """Seconds since 1970; minus infinity for an invalid date."""
    try:
        found = datetime.strptime(date, DATE).replace(tzinfo=UTC)
    except ValueError:
        return float("-inf")
    # strptime also accepts other notations.
    return found.timestamp() if found.strftime(DATE) == date else float("-inf")


def _canonical(request: HttpRequest, names: str) -> str:
    # Aliyun's real endpoint is at the root of its host, so the path is always this one.
    path, digest = "/", sha256(request.body).hexdigest()
    headers = "".join(f"{name}:{_header(request, name, digest)}\n" for name in sorted(names.split(";")))
    return "\n".join((request.method or "", path, _query(request), headers, names, digest))


def _header(request: HttpRequest, name: str, digest: str) -> str:
    # The digest of the received body counts, and not the client's value.
    return digest if name == "x-acs-content-sha256" else request.headers.get(name, "").strip()


def _query(request: HttpRequest) -> str:
    given = parse_qsl(request.META.get("QUERY_STRING", ""), keep_blank_values=True)
    # ``redirected`` is our own mark of a followed redirect, and not part of the client's query.
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in given if name != "redirected")
    return "&".join(f"{name}={value}" for name, value in pairs)
