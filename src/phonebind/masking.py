"""What a log may show: the ends of a mobile (138****0001), and nothing of a secret."""

import logging
import re
from copy import copy
from typing import Any

from phonebind import mobiles

#: Characters that people paste between digits, plain and URL-encoded. All are in the Basic Multilingual Plane.
_PASTED = re.findall(f"[{mobiles.NOISE}]", "".join(map(chr, range(0x10000))))
_ENCODED_NOISE = "|".join("".join(f"%{byte:02X}" for byte in char.encode()) for char in _PASTED)
#: A plus in a query is a space.
_NOISE = rf"[\s+{mobiles.NOISE}]|{_ENCODED_NOISE}"
#: Digits of any script, with separators. At most three separators between two digits: without this bound the time for
#: "%20%20…" would grow with the square of its length.
_DIGITS = re.compile(rf"\d(?:(?:{_NOISE}){{0,3}}\d){{10,}}", re.IGNORECASE)
_ENCODED = re.compile(r"%(?:3|EF%BC%9)([0-9])", re.IGNORECASE)
_MOBILE = re.compile(r"(1[3-9]\d)\d{4}(\d{4})")
#: Names in the contract, in existing front ends (``FRONT_END``), and providers' names for a code.
_NAMES = (
    "access_token|auth_?code|code|human_check|image_code(?:_id)?|mobile_proof|nonce|openid|password|refresh|sms_code|state"
    "|text|token|uuid"
)
_SECRETS = re.compile(rf"((?:\A|[?&])(?:{_NAMES})=)[^&\s\"']+", re.IGNORECASE)

#: The secret at the end of the path that SMS vendors send receipts to.
_SECRET_PATHS = re.compile(r"(/sms_receipts/[^/?#\s]+/)[^/?#\s\"']+")

#: Loggers by which frameworks and servers write paths, queries and SQL.
LOGGERS = (
    "django.request",
    "django.server",
    "django.db.backends",
    "gunicorn.access",
    "gunicorn.error",
    "uvicorn.access",
    "uvicorn.error",
)


def mobile(number: str) -> str:
    """138****0001, however it is written; "" if it is no mobile, since it may be anything, even a secret."""
    cleaned = mobiles.clean(number)
    found = _MOBILE.fullmatch(cleaned) if cleaned.isascii() else None
    return f"{found[1]}****{found[2]}" if found else ""


def masked(value: Any) -> Any:
    """The value with every mobile and secret in it masked, in all the types that log records contain."""
    match value:
        case str():
            bare = _SECRET_PATHS.sub(r"\1****", _SECRETS.sub(r"\1****", value))
            return _DIGITS.sub(_without_mobiles, _ENCODED.sub(r"\1", bare))
        case tuple() | list():
            return tuple(map(masked, value))
        case dict():
            # A copy, since the original belongs to the caller; of the same type, since gunicorn's dict is a subclass.
            value = copy(value)
            value.update({key: masked(held) for key, held in value.items()})
    return value


def _without_mobiles(run: re.Match[str]) -> str:
    bare = re.sub(_ENCODED_NOISE, "", run[0], flags=re.IGNORECASE)
    digits = "".join(str(int(char)) for char in bare if char.isdecimal())
    masked_digits = _MOBILE.sub(r"\1****\2", digits)
    return run[0] if masked_digits == digits else masked_digits


def mask(record: logging.LogRecord) -> bool:
    """A filter for a logger."""
    for name in ("msg", "args", "params", "sql"):
        if name in record.__dict__:
            setattr(record, name, masked(getattr(record, name)))
    if record.exc_info:
        # The text that formatters print. A database names the value that violates a constraint.
        record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
    return True


def install() -> None:
    """Mask what :data:`LOGGERS` write, whatever their level and handlers."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(mask)
