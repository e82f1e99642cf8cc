"""JSON as providers send it: in UTF-8 whatever they call it, and with the types that they happen to have."""

import json
import re
from collections.abc import Mapping
from typing import Any

_NUMBER = re.compile(r"[0-9]{1,9}")
#: Where QQ and WeChat keep avatars. Some of their addresses are still written with http, and both are served.
_QLOGO = re.compile(r"\Ahttp://(?=[\w.-]+\.qlogo\.cn/)", re.ASCII)


def read(body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; empty for anything else. Never raises.

    Never by the charset that its headers name: WeChat's "text/plain" would be Latin-1. Control characters occur in
    nicknames.
    """
    try:
        found = json.loads(body.decode("utf-8-sig", errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(answer: Mapping[str, Any], *path: str) -> str:
    """What stands at ``path``, a number as its digits; "" where there is nothing, or neither text nor number."""
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    # Exactly these types: True is an int too, and no id.
    return whole(str(found)) if type(found) in (str, int) else ""


def number(code: str) -> int:
    """The number of an error, -1 for one that cannot be read."""
    return int(code) if _NUMBER.fullmatch(code) else -1


def whole(value: str) -> str:
    """JSON can name half a character, which no URL, database or answer can hold: U+FFFD in its place."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def secured(avatar: str) -> str:
    """The address with https where its host is known to serve that; any other as it is."""
    return _QLOGO.sub("https://", avatar)
