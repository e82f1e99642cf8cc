"""Receipts, sent to the address that the operator has named; no request says where they go."""

import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypeAlias
from urllib.parse import urlsplit

from phonebind_sandbox import conf

from . import receipts
from .receipts import Receipt

#: Writes a receipt as its vendor does: headers and body.
Report: TypeAlias = Callable[[Receipt], tuple[Mapping[str, str], bytes]]

#: Between two tries, where the first was not answered with 200. As Aliyun documents it.
RETRY_SECONDS = (60.0, 300.0, 600.0)
TIMEOUT_SECONDS = 5.0
JSON: Mapping[str, str] = {"Content-Type": "application/json;charset=utf-8"}


def later(receipt: Receipt, report: Report) -> None:
    """Send it when it is known, where anybody wants it."""
    url = conf.receipts().get(receipt.vendor)
    if url is None or receipt.result == receipts.NEVER:
        return
    # A daemon: nobody waits for a receipt that nobody takes.
    threading.Thread(target=_push, args=(url, receipt, report), name="sms receipt", daemon=True).start()


def _push(url: str, receipt: Receipt, report: Report) -> None:
    time.sleep(receipts.CARRIER_SECONDS)
    for seconds in (0.0, *RETRY_SECONDS):
        time.sleep(seconds)
        # Written for each try, since a signature has its time.
        if _post(url, *report(receipt)):
            return


def _post(url: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether it was answered with 200. A redirect is followed nowhere: it is not the operator's word."""
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
