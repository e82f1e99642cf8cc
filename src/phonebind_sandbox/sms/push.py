"""Sends receipts to the URL that the operator has set. A request cannot set it."""

import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypeAlias
from urllib.parse import urlsplit

from phonebind_sandbox import conf

from . import receipts
from .receipts import Receipt

#: Formats a receipt as its vendor does: headers and body.
Report: TypeAlias = Callable[[Receipt], tuple[Mapping[str, str], bytes]]

#: Seconds before each new try, if the response was not 200. From Aliyun's documentation.
RETRY_SECONDS = (60.0, 300.0, 600.0)
TIMEOUT_SECONDS = 5.0
JSON: Mapping[str, str] = {"Content-Type": "application/json;charset=utf-8"}


def later(receipt: Receipt, report: Report) -> None:
    """Send the receipt as soon as the result is known, if a URL is set."""
    url = conf.receipts().get(receipt.vendor)
    if url is None or receipt.result == receipts.NEVER:
        return
    # A daemon thread: the process can end even if a receipt is never accepted.
    threading.Thread(target=_push, args=(url, receipt, report), name="sms receipt", daemon=True).start()


def _push(url: str, receipt: Receipt, report: Report) -> None:
    time.sleep(receipts.CARRIER_SECONDS)
    for seconds in (0.0, *RETRY_SECONDS):
        time.sleep(seconds)
        # Formatted again for each try, because the signature contains the time.
        if _post(url, *report(receipt)):
            return


def _post(url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the response was 200. Redirects are not followed: the operator has not set their target."""
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", parts._replace(scheme="", netloc="").geturl() or "/", body, dict(headers))
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
