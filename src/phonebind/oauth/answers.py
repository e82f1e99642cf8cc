"""Reads the JSON of providers. It is UTF-8, whatever charset they declare, and the types of its values vary."""

import json
import re
from collections.abc import Mapping
from typing import Any

_NUMBER = re.compile(r"[0-9]{1,9}")
#: Avatars of QQ and WeChat. Some addresses still have http, and the hosts serve both http and https.
_QLOGO = re.compile(r"\Ahttp://(?=[\w.-]+\.qlogo\.cn/)", re.ASCII)


def read(body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; empty for anything else. Never raises.

    The charset of the headers is ignored: WeChat's "text/plain" would mean Latin-1. Control characters are allowed,
    because nicknames contain them.
    """
    try:
        found = json.loads(body.decode("utf-8-sig", errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(answer: Mapping[str, Any], *path: str) -> str:
    """The text at ``path``, or a number as its digits. "" if there is nothing, or neither text nor number."""
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    # Exactly these types: True is an int too, but it is not an id.
    return whole(str(found)) if type(found) in (str, int) else ""


def number(code: str) -> int:
    """The number of an error, or -1 if it cannot be read."""
    return int(code) if _NUMBER.fullmatch(code) else -1


def whole(value: str) -> str:
    """Replace unpaired surrogates by U+FFFD. JSON can contain them, but no URL, database or response can."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def secured(avatar: str) -> str:
    """The address with https if its host is known to serve https; otherwise unchanged."""
    return _QLOGO.sub("https://", avatar)
