"""What a log may say: of a mobile the ends (138****0001), of a secret nothing."""

import logging
import re
from copy import copy
from typing import Any

from phonebind import mobiles

#: What people paste between digits, as a URL has it and as it is. All of it is in the Basic Multilingual Plane.
_PASTED = re.findall(f"[{mobiles.NOISE}]", "".join(map(chr, range(0x10000))))
_ENCODED_NOISE = "|".join("".join(f"%{byte:02X}" for byte in char.encode()) for char in _PASTED)
#: A plus is a space of a query.
_NOISE = rf"[\s+{mobiles.NOISE}]|{_ENCODED_NOISE}"
#: Digits of any script, however they are parted; by three at the most, or "%20%20…" takes the square of its length.
_DIGITS = re.compile(rf"\d(?:(?:{_NOISE}){{0,3}}\d){{10,}}", re.IGNORECASE)
_ENCODED = re.compile(r"%(?:3|EF%BC%9)([0-9])", re.IGNORECASE)
_MOBILE = re.compile(r"(1[3-9]\d)\d{4}(\d{4})")
#: By the names of the contract, those of existing front ends (``FRONT_END``), and what providers call a code.
_NAMES = (
    "access_token|auth_?code|code|human_check|image_code(?:_id)?|mobile_proof|nonce|openid|password|refresh|sms_code|state"
    "|text|token|uuid"
)
_SECRETS = re.compile(rf"((?:\A|[?&])(?:{_NAMES})=)[^&\s\"']+", re.IGNORECASE)

#: What ends the path that SMS vendors send receipts to.
_SECRET_PATHS = re.compile(r"(/sms_receipts/[^/?#\s]+/)[^/?#\s\"']+")

#: Where frameworks and servers write down paths, queries and SQL.
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
    """138****0001, however it is spelled; "" for what is no mobile, since nobody knows what else it may be."""
    cleaned = mobiles.clean(number)
    found = _MOBILE.fullmatch(cleaned) if cleaned.isascii() else None
    return f"{found[1]}****{found[2]}" if found else ""


def masked(value: Any) -> Any:
    """The same with every mobile and secret in it masked, as deep as log records go."""
    match value:
        case str():
            bare = _SECRET_PATHS.sub(r"\1****", _SECRETS.sub(r"\1****", value))
            return _DIGITS.sub(_without_mobiles, _ENCODED.sub(r"\1", bare))
        case tuple() | list():
            return tuple(map(masked, value))
        case dict():
            # A copy, since it is the caller's; and of its own type, since gunicorn's has its own ways.
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
        # What formatters print; a database names the value that it found twice.
        record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
    return True


def install() -> None:
    """Mask what :data:`LOGGERS` write, whatever their level and handlers."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(mask)
