"""What a log may say: of a mobile the ends (138****0001), of a secret nothing."""

import logging
import re
from copy import copy
from typing import Any

#: Digits of any script, however they are parted.
_DIGITS = re.compile(r"\d(?:(?:[-\s+]|%20)*\d){10,}")
_MOBILE = re.compile(r"(?:00)?(?:86)?(1[3-9]\d)\d{4}(\d{4})\Z")
_SECRETS = re.compile(
    r"((?:\A|[?&])(?:access_token|code|image_code_id|password|refresh|sms_code|state|text|token)=)[^&\s\"']+"
)

#: Where frameworks and servers write down paths, queries and SQL.
LOGGERS = ("django.request", "django.server", "django.db.backends", "gunicorn.access", "uvicorn.access")


def mobile(number: str) -> str:
    """138****0001; "" for what is no mobile, since nobody knows what else it may be."""
    digits = "".join(str(int(char)) for char in number.replace("%20", "") if char.isdecimal())
    found = _MOBILE.match(digits)
    return f"{found[1]}****{found[2]}" if found else ""


def masked(value: Any) -> Any:
    """The same with every mobile and secret in it masked, as deep as log records go."""
    match value:
        case str():
            return _DIGITS.sub(lambda found: mobile(found[0]) or found[0], _SECRETS.sub(r"\1****", value))
        case tuple() | list():
            return tuple(map(masked, value))
        case dict():
            # A copy, since it is the caller's; and of its own type, since gunicorn's has its own ways.
            value = copy(value)
            value.update({key: masked(held) for key, held in value.items()})
    return value


def mask(record: logging.LogRecord) -> bool:
    """A filter for a logger."""
    for name in ("args", "params", "sql"):
        if name in record.__dict__:
            setattr(record, name, masked(getattr(record, name)))
    return True


def without_query(record: logging.LogRecord) -> bool:
    """A filter for who logs the URLs that we ask, where the query is ours and all of it may be secret."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.split("?")[0] if isinstance(arg, str) else arg for arg in record.args)
    return True


def install() -> None:
    """Mask what :data:`LOGGERS` write, whatever their level and handlers."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(mask)
