"""Gateways by their short names, and what happens around each attempt to send."""

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

#: Short names for ``PHONEBIND["SMS"]["gateway"]``. Any other gateway is named by its dotted path.
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

#: A short name or a dotted path. No other text is shown: an operator may have written all options, with the secrets,
#: here.
NAME = re.compile(r"[\w-]{1,40}(\.\w{1,100})*")

#: The outcome of an attempt in the metrics.
OUTCOMES: Mapping[type, str] = {
    SmsNotSent: "not_now",
    SmsMisconfigured: "operator",
    SmsRefused: "number",
    SmsVendorLimit: "limit",
    SmsUnconfirmed: "unknown",
}


def make(options: Mapping[str, Any]) -> Gateway:
    """The gateway that the options name, constructed with the other options.

    Raises WrongOptions if they name none or do not fit it, ImportError for a wrong path or a missing library, and
    whatever a class of the host raises.
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
    """The options of all gateways that may send for these options: those that a composite gateway passes messages to.

    It is the options themselves if the gateway contains no others or cannot be constructed.
    """
    held = getattr(make(options), "inner", None) if is_composite(options) else None
    if not isinstance(held, (list, tuple)):
        yield options
        return
    for each in held:
        yield from unfold(each)


def is_composite(options: Any) -> bool:
    """Whether it passes its messages to other gateways. False if it cannot be constructed."""
    try:
        return bool(getattr(make(options), "composite", False))
    except UNUSABLE:
        return False


def senders() -> Iterator[Gateway]:
    """The gateways of the settings that send themselves. Those that cannot be constructed are left out."""
    for options in unfold(conf.sms):
        with suppress(*UNUSABLE):
            gateway = make(options)
            if not getattr(gateway, "composite", False):
                yield gateway


def says(gateway: Gateway, notice: str) -> bool:
    """Whether the gateway can send this one of ``NOTICES``."""
    return notice in getattr(gateway, "notices", ())


def brings_receipts() -> bool:
    """Whether a gateway of the settings reports receipts in the way that ``SMS_RECEIPTS`` allows."""
    return receipts.is_on() and any(map(receipts.may_come_from, senders()))


def attempt(gateway: Gateway, message: Message) -> str | None:
    """Send with the gateway, and count the outcome. Raises what ``Gateway.send`` raises."""
    if getattr(gateway, "composite", False):
        vendor_id = gateway.send(message)  # it calls attempt() for each of its gateways
        if receipts.is_on():
            # A worker may not have sent it yet, or the sender may report no receipts. The page waits in both cases.
            receipts.expect("", message)
        return vendor_id
    if message.purpose in NOTICES and not says(gateway, message.purpose):
        raise SmsMisconfigured().because("it only sends codes, or has no template for this")
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
        # A gateway of the host may raise an unexpected error. Then the outcome is unknown.
        outcome = calls.named(error, OUTCOMES, "unknown")
        raise
    finally:
        signals.sms_attempted.send_robust(
            sender=None, gateway=gateway, purpose=purpose, outcome=outcome, seconds=time.monotonic() - begun
        )
