"""Aliyun's signature `V3 <https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature>`_
(ACS3-HMAC-SHA256). It is the same for every product.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

DATE = "%Y-%m-%dT%H:%M:%SZ"


def sign_now(
    endpoint: str, api: tuple[str, str], form: Mapping[str, str], keys: tuple[str, str]
) -> tuple[dict[str, str], bytes]:
    """Like :func:`sign`, for a POST to ``endpoint`` that is sent now, and only once."""
    date = datetime.now(UTC).strftime(DATE)
    return sign(urlsplit(endpoint).netloc, api, form, keys, date, secrets.token_hex(16))


def sign(
    host: str, api: tuple[str, str], form: Mapping[str, str], keys: tuple[str, str], date: str, nonce: str
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a POST. ``api``: action and version. ``keys``: the id and the secret of the AccessKey.
    ``date``: like ``2026-10-01T08:00:00Z``. ``nonce``: never used for another call.

    The parameters are in the body, not in the query as in the SDK, so that no URL contains the code.
    """
    body = urlencode(form, quote_via=quote).encode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "host": host,
        "x-acs-action": api[0],
        "x-acs-content-sha256": sha256(body).hexdigest(),
        "x-acs-date": date,
        "x-acs-signature-nonce": nonce,
        "x-acs-version": api[1],
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = "\n".join(("POST", "/", "", lines, names, headers["x-acs-content-sha256"]))
    text = f"ACS3-HMAC-SHA256\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(keys[1].encode(), text.encode(), "sha256").hex()
    headers["authorization"] = f"ACS3-HMAC-SHA256 Credential={keys[0]},SignedHeaders={names},Signature={signature}"
    return headers, body
