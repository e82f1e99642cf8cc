"""SMS vendors as their customers use them: our own code signs the requests, and they go over a real connection."""

import base64
import hmac
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import md5, sha256
from secrets import token_hex
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

MOBILE = "13800138000"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Call:
    """A request as it is sent. ``headers`` has all headers except the body's length, the host too."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def but(self, **headers: str) -> "Call":
        """The same request with other headers than the signed ones. An underscore stands for a hyphen."""
        return replace(self, headers={**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})

    def send(self, served: str) -> Reply:
        url = urlsplit(served)
        connection = http.client.HTTPConnection(url.netloc, timeout=10)
        try:
            connection.putrequest(self.method, url.path + self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"host": url.netloc, **self.headers}.items():
                connection.putheader(name, value)
            connection.putheader("content-length", str(len(self.body)))
            connection.endheaders(self.body)
            response = connection.getresponse()
            return Reply(response.status, response.read())
        finally:
            connection.close()


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


# ---------------------------------------------------------------- Aliyun


@dataclass(frozen=True)
class Aliyun:
    host: str
    path: str = "aliyun/"
    key_id: str = "sandbox-access-key-id"
    secret: str = "sandbox-access-key-secret"
    version: str = "2017-05-25"

    def call(
        self, action: str, form: Mapping[str, str], *, nonce: str = "", date: str = "", in_query: bool = False
    ) -> Call:
        """A request signed for the root of the host. The form is in the body or, as the vendor's SDK does it, in the
        query.
        """
        sorted_form = urlencode(sorted(form.items()), quote_via=quote, safe="~")
        query, body = (sorted_form, b"") if in_query else ("", urlencode(form, quote_via=quote).encode())
        headers = {
            "host": self.host,
            "x-acs-action": action,
            "x-acs-content-sha256": digest(body),
            "x-acs-date": date or datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": nonce or token_hex(16),
            "x-acs-version": self.version,
        } | ({} if in_query else {"content-type": FORM})
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join(("POST", "/", query, lines, names, digest(body)))
        text = f"ACS3-HMAC-SHA256\n{digest(canonical.encode())}"
        signature = hmac.digest(self.secret.encode(), text.encode(), "sha256").hex()
        authorization = f"ACS3-HMAC-SHA256 Credential={self.key_id},SignedHeaders={names},Signature={signature}"
        path = f"{self.path}?{query}" if query else self.path
        return Call("POST", path, {**headers, "authorization": authorization}, body)


# ---------------------------------------------------------------- Tencent


def tencent(
    action: str,
    fields: object,
    host: str,
    *,
    key: tuple[str, str] = ("sandbox-secret-id", "sandbox-secret-key"),
    compact: bool = False,
) -> Call:
    """Signed as Tencent's SDK signs; ``compact``: a body in UTF-8, as other clients send it."""
    separators = (",", ":") if compact else None
    body = json.dumps(fields, ensure_ascii=not compact, separators=separators).encode()
    content_type = "application/json; charset=utf-8" if compact else "application/json"
    timestamp = str(int(time.time()))
    date = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
    canonical = f"POST\n/\n\ncontent-type:{content_type}\nhost:{host}\n\ncontent-type;host\n{digest(body)}"
    secret = f"TC3{key[1]}".encode()
    for word in (date, "sms", "tc3_request"):
        secret = hmac.digest(secret, word.encode(), "sha256")
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{date}/sms/tc3_request\n{digest(canonical.encode())}"
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    headers = {
        "host": host,
        "content-type": content_type,
        "authorization": f"TC3-HMAC-SHA256 Credential={key[0]}/{date}/sms/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={signature}",
        "X-TC-Action": action,
        "X-TC-Timestamp": timestamp,
        "X-TC-Version": "2021-01-11",
        "X-TC-Region": "ap-guangzhou",
    }
    return Call("POST", "tencent-sms/", headers, body)


# ---------------------------------------------------------------- Yuntongxun


def yuntongxun(
    fields: object,
    *,
    key: tuple[str, str] = ("sandbox-account-sid", "sandbox-auth-token"),
    resource: str = "SMS/TemplateSMS",
) -> Call:
    """Signed with the time in Beijing. Without fields it is a GET."""
    sid, token = key
    stamp = datetime.fromtimestamp(time.time(), timezone(timedelta(hours=8))).strftime("%Y%m%d%H%M%S")
    signature = md5(f"{sid}{token}{stamp}".encode(), usedforsecurity=False).hexdigest().upper()
    headers = {
        "accept": "application/json",
        "content-type": "application/json;charset=utf-8",
        "authorization": base64.b64encode(f"{sid}:{stamp}".encode()).decode(),
    }
    path = f"yuntongxun/2013-12-26/Accounts/{sid}/{resource}?sig={signature}"
    return Call(
        "GET" if fields is None else "POST", path, headers, b"" if fields is None else json.dumps(fields).encode()
    )


# ---------------------------------------------------------------- HTTP


def webhook(fields: Mapping[str, object], *, secret: str = "whsec_c2FuZGJveC1odHRwLWdhdGV3YXktc2VjcmV0") -> Call:
    return signed_webhook(
        json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(), str(fields["id"]), secret
    )


def signed_webhook(body: bytes, message_id: str, secret: str) -> Call:
    timestamp = str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": webhook_signature(body, message_id, timestamp, secret),
    }
    return Call("POST", "http/", headers, body)


def webhook_signature(body: bytes, message_id: str, timestamp: str, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signature).decode()}"
