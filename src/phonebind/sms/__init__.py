"""SMS gateways: one file each, chosen by dotted path in ``PHONEBIND["SMS"]["gateway"]``."""

from typing import cast

from django.utils.module_loading import import_string

from phonebind.conf import conf
from phonebind.sms.base import Gateway, Message

__all__ = ["Gateway", "Message", "get"]


def get() -> Gateway:
    """The configured gateway.

    Raises KeyError where none is named, ImportError for a wrong path, TypeError for wrong options.
    """
    options = dict(conf.sms)
    return cast("Gateway", import_string(options.pop("gateway"))(**options))
