"""Mainland China mobile numbers: as people paste them, and in the one spelling that all code inside uses.

An address book puts invisible marks around a number, an input method types full-width digits, and some forms want
``+86``. Every edge cleans its input, so one number has one quota, one lock and one account.
"""

import re

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from phonebind.exceptions import Text

#: ``[0-9]`` and ``\Z``: ``\d`` matches the digits of every script, and ``$`` also matches before a newline.
MOBILE_PATTERN = r"\A1[3-9][0-9]{9}\Z"

_LENGTH = _("Enter a mobile number of 11 digits.")
_BEGINNING = _("A mobile number begins with 1 and a digit from 3 to 9.")

validate_mobile = RegexValidator(MOBILE_PATTERN, _LENGTH)

_MOBILE = re.compile(MOBILE_PATTERN)
_WITH_PREFIX = re.compile(r"\A(?:\+86|0086|86)?([0-9]{11})\Z")

_SPACES = "\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
#: Soft hyphen, byte order mark, zero widths, and marks that change the direction of writing.
_INVISIBLE = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_HYPHENS = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
#: What :func:`clean` removes, as a character set of a regular expression. Logs mask numbers with these between digits.
NOISE = rf"\-{_SPACES}{_INVISIBLE}{_HYPHENS}"
_NOISE = re.compile(f"[{NOISE}]")
#: Not NFKC, which turns ¹, ① and 𝟏 into 1 too. No phone writes a number with these.
_FULL_WIDTH = {ord(full): chr(ord(full) - 0xFEE0) for full in map(chr, range(0xFF01, 0xFF5F))}


def clean(text: str) -> str:
    """The 11 digits of the mobile in ``text``, or ``text`` unchanged if it contains no mobile.

    >>> clean("\\u202d+86 138-0000-0001\\u202c")
    '13800000001'
    >>> clean("86 Bookshop")
    '86 Bookshop'
    """
    found = _WITH_PREFIX.match(clean_code(text))
    return found[1] if found and is_mobile(found[1]) else text


def is_mobile(text: str) -> bool:
    """Whether it is a mobile in the spelling that :func:`clean` returns."""
    return bool(_MOBILE.match(text))


def what_is_wrong(text: str) -> Text:
    """The message for a ``text`` that is no mobile."""
    return _BEGINNING if _WITH_PREFIX.match(clean_code(text)) else _LENGTH


def clean_code(text: str) -> str:
    """An SMS code, or the text of an image code, without the characters that keyboards and messengers add to it."""
    return _NOISE.sub("", text.translate(_FULL_WIDTH))
