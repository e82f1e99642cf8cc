"""SMS gateways: one file each, chosen by dotted path in ``PHONEBIND["SMS"]["gateway"]``."""

from typing import cast

from phonebind.conf import conf, construct
from phonebind.sms.base import Gateway, Message

__all__ = ["Gateway", "Message", "get"]


def get() -> Gateway:
    """The configured gateway.

    Raises KeyError where none is named, ImportError for a wrong path, TypeError for wrong options or a wrong class.
    """
    options = dict(conf.sms)
    return cast("Gateway", construct(options.pop("gateway"), options, ("check", "send")))
