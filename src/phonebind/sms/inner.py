"""Gateways in the options of another gateway."""

from collections import Counter
from typing import Any, NamedTuple

from phonebind.options import UNUSABLE, explain
from phonebind.sms.registry import NAME, make, unfold


def label(options: Any) -> str:
    """The name of the gateway in the options, or "" if they have no valid name."""
    name = str(options.get("gateway", "")) if isinstance(options, dict) else ""
    return name if NAME.fullmatch(name) else ""


def problems(options: Any) -> list[str]:
    """Errors that prevent the gateway of these options from sending."""
    if not isinstance(options, dict):
        return ["must be a dict that names a gateway, with its options"]
    try:
        gateway = make(options)
        if not callable(gateway.send):
            return ["send is not a method"]
        return list(gateway.check())
    except UNUSABLE as error:
        return [explain(error)]


class Leaf(NamedTuple):
    """A gateway that sends. ``name`` is the name in its options. The second gateway of a name ends in ``:2``."""

    name: str
    options: Any


def leaves(options: Any) -> list[Leaf]:
    """All gateways that may send for these options.

    It is the options themselves if they contain no others, or are invalid.
    """
    seen: Counter[str] = Counter()
    found = []
    for each in unfold(options):
        name = label(each)
        seen[name] += 1
        found.append(Leaf(f"{name}:{seen[name]}" if seen[name] > 1 else name, each))
    return found
