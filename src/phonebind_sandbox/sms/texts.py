"""Shared by vendors for the mainland: number formats, message texts, Beijing time."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

_MOBILE = re.compile("(?:[+]86|0086|86)?(1[3-9][0-9]{9})")
_CODE = re.compile("[0-9A-Za-z]{4,6}")
_MINUTES = re.compile("[0-9]{1,3}")

#: A fixed offset, because a machine may have no time zone data.
BEIJING = timezone(timedelta(hours=8))


def national(number: object) -> str | None:
    """A mainland mobile number without its country code; None if it is not one."""
    found = _MOBILE.fullmatch(number) if isinstance(number, str) else None
    return found and found[1]


def beijing(moment: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return datetime.fromtimestamp(moment, BEIJING).strftime(form)


def moment(text: str, form: str) -> float:
    """The reverse of ``beijing``. The format must match exactly: strptime also accepts other notations. Raises
    ValueError.
    """
    found = datetime.strptime(text, form).replace(tzinfo=BEIJING)
    if found.strftime(form) != text:
        raise ValueError(text)
    return found.timestamp()


def worded(sign: str, values: Iterable[str]) -> str | None:
    """A message from the values for a template; None if no value can be a code.

    The template itself is unknown. The first value of four to six characters is used as the code, and a shorter number
    as the minutes.
    """
    rest = list(values)
    code = next((value for value in rest if _CODE.fullmatch(value)), None)
    if code is None:
        return None
    rest.remove(code)
    minutes = next((f"，{value}分钟内有效" for value in rest if _MINUTES.fullmatch(value)), "")
    return f"【{sign}】您的验证码为{code}{minutes}，请勿泄露。"
