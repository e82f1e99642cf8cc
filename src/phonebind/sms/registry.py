"""The gateways by their short names, and what happens around each of their sends."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from django.utils.module_loading import import_string

from phonebind import signals
from phonebind.conf import conf
from phonebind.exceptions import (
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
)
from phonebind.sms import receipts
from phonebind.sms.base import Gateway, Message

#: Short names for ``PHONEBIND["SMS"]["gateway"]``; any other gateway has a dotted path.
GATEWAYS: Mapping[str, str] = {
    "aliyun-pnvs": "phonebind.sms.aliyun_pnvs.AliyunPnvs",
    "aliyun": "phonebind.sms.aliyun.Aliyun",
    "tencent": "phonebind.sms.tencent.Tencent",
    "http": "phonebind.sms.http.Http",
    "yuntongxun": "phonebind.sms.yuntongxun.Yuntongxun",
    "failover": "phonebind.sms.failover.Failover",
    "celery": "phonebind.sms.queue.Queue",
    "console": "phonebind.sms.console.Console",
    "sandbox": "phonebind.sms.sandbox.Sandbox",
}

#: What the metrics call each end of a send.
OUTCOMES: Mapping[type, str] = {
    SmsNotSent: "not_now",
    SmsMisconfigured: "operator",
    SmsRefused: "number",
    SmsVendorLimit: "limit",
    SmsUnconfirmed: "unknown",
}


def make(options: Mapping[str, Any]) -> Gateway:
    """The gateway that the options name, with the rest of them.

    Raises KeyError where none is named, ValueError for an unknown name, ImportError for a wrong path or a library that
    is not installed, TypeError for wrong options.
    """
    rest = dict(options)
    name = rest.pop("gateway")
    path = GATEWAYS.get(name, name)
    if "." not in path:
        raise ValueError(f"there is no gateway {name!r}; known are {', '.join(GATEWAYS)}, and dotted paths of classes")
    return cast("Gateway", import_string(path)(**rest))


def name_of(gateway: Gateway) -> str:
    return str(getattr(gateway, "name", type(gateway).__name__))


def senders() -> Iterator[Gateway]:
    """The gateways that the settings lead to: those that send, and not those that hand on. Raises as :func:`make`."""
    return _senders(make(conf.sms))


def brings_receipts() -> bool:
    """Whether one of them does, by the way that ``SMS_RECEIPTS`` has open. Raises as :func:`make`."""
    return receipts.is_on() and any(map(receipts.may_come_from, senders()))


def _senders(gateway: Gateway) -> Iterator[Gateway]:
    if not getattr(gateway, "composite", False):
        yield gateway
        return
    for member in getattr(gateway, "members", tuple)():
        yield from _senders(member)


def attempt(gateway: Gateway, message: Message) -> str | None:
    """Have it send; whatever comes of it is counted. Raises what ``Gateway.send`` raises."""
    if getattr(gateway, "composite", False):
        vendor_id = gateway.send(message)  # it attempts each of its own
        if receipts.is_on():
            # A worker may not have sent it yet, or the one that sent brings none: the person waits all the same.
            receipts.expect("", message)
        return vendor_id
    name = name_of(gateway)
    with _counted(name, message.purpose):
        vendor_id = gateway.send(message)
    if receipts.may_come_from(gateway):
        receipts.expect(name, message, vendor_id)
    return vendor_id


@contextmanager
def _counted(gateway: str, purpose: str) -> Iterator[None]:
    begun, outcome = time.monotonic(), "sent"
    try:
        yield
    except Exception as error:
        # A gateway of the host's may raise what nobody foresaw, and then nobody knows.
        outcome = next((OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES), "unknown")
        raise
    finally:
        signals.sms_attempted.send_robust(
            sender=None, gateway=gateway, purpose=purpose, outcome=outcome, seconds=time.monotonic() - begun
        )
