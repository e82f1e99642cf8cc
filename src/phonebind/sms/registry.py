"""The gateways by their short names, and what happens around each of their sends."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from phonebind import calls, signals
from phonebind.conf import conf
from phonebind.exceptions import (
    SmsMisconfigured,
    SmsNotSent,
    SmsRefused,
    SmsUnconfirmed,
    SmsVendorLimit,
)
from phonebind.options import UNUSABLE, WrongOptions, build
from phonebind.sms import receipts
from phonebind.sms.base import NOTICES, Gateway, Message

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

#: What is neither may be the options, and so the secrets, of somebody who wrote all of them in one place.
NAME = re.compile(r"[\w-]{1,40}(\.\w{1,100})*")

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

    Raises WrongOptions where they name none or do not fit it, ImportError for a wrong path or a library that is not
    installed, and whatever a class of the host's raises.
    """
    rest = dict(options)
    name = rest.pop("gateway", None)
    if not isinstance(name, str) or not name:
        raise WrongOptions("gateway must be a str that names one")
    path = GATEWAYS.get(name, name)
    if not NAME.fullmatch(path):
        raise WrongOptions(f"gateway must be one of {', '.join(GATEWAYS)}, or the dotted path of a class")
    if "." not in path:
        known = f"known are {', '.join(GATEWAYS)}, and dotted paths of classes"
        raise WrongOptions(f"there is no gateway {name!r}; {known}")
    return cast("Gateway", build(path, rest))


def name_of(gateway: Gateway) -> str:
    return str(getattr(gateway, "name", type(gateway).__name__))


def unfold(options: Any) -> Iterator[Any]:
    """The options of all that may send for these: of the gateways that theirs hands its messages on to; these
    themselves where it holds no others, or cannot be made.
    """
    held = getattr(make(options), "inner", None) if is_composite(options) else None
    if not isinstance(held, (list, tuple)):
        yield options
        return
    for each in held:
        yield from unfold(each)


def is_composite(options: Any) -> bool:
    """Whether it hands its messages to other gateways; False where it cannot be made."""
    try:
        return bool(getattr(make(options), "composite", False))
    except UNUSABLE:
        return False


def senders() -> Iterator[Gateway]:
    """The gateways that the settings lead to: those that send, but for those that cannot be made."""
    for options in unfold(conf.sms):
        with suppress(*UNUSABLE):
            gateway = make(options)
            if not getattr(gateway, "composite", False):
                yield gateway


def says(gateway: Gateway, notice: str) -> bool:
    """Whether it can send this one of ``NOTICES``."""
    return notice in getattr(gateway, "notices", ())


def brings_receipts() -> bool:
    """Whether one of them does, by the way that ``SMS_RECEIPTS`` has open."""
    return receipts.is_on() and any(map(receipts.may_come_from, senders()))


def attempt(gateway: Gateway, message: Message) -> str | None:
    """Have it send; whatever comes of it is counted. Raises what ``Gateway.send`` raises."""
    if getattr(gateway, "composite", False):
        vendor_id = gateway.send(message)  # it attempts each of its own
        if receipts.is_on():
            # A worker may not have sent it yet, or the one that sent brings none: the person waits all the same.
            receipts.expect("", message)
        return vendor_id
    if message.purpose in NOTICES and not says(gateway, message.purpose):
        raise SmsMisconfigured().because("it sends codes alone, or has no template for this")
    name = name_of(gateway)
    with _counted(name, message.purpose), calls.observed(name, "sms", OUTCOMES):
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
        outcome = calls.named(error, OUTCOMES, "unknown")
        raise
    finally:
        signals.sms_attempted.send_robust(
            sender=None, gateway=gateway, purpose=purpose, outcome=outcome, seconds=time.monotonic() - begun
        )
