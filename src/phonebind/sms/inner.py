"""Gateways in the options of another one."""

from collections import Counter
from typing import Any, NamedTuple

from phonebind.options import UNUSABLE, explain
from phonebind.sms.registry import NAME, make, unfold


def label(options: Any) -> str:
    """What the options call the gateway; "" where they name none, or by what is no name."""
    name = str(options.get("gateway", "")) if isinstance(options, dict) else ""
    return name if NAME.fullmatch(name) else ""


def problems(options: Any) -> list[str]:
    """What keeps the gateway that the options name from sending."""
    if not isinstance(options, dict):
        return ["must be a dict that names a gateway, with its options"]
    try:
        gateway = make(options)
        if not callable(gateway.send):
            return ["send is no method"]
        return list(gateway.check())
    except UNUSABLE as error:
        return [explain(error)]


class Leaf(NamedTuple):
    """A gateway that sends. ``name`` is the one in its options; the second of a name has ``:2`` behind it."""

    name: str
    options: Any


def leaves(options: Any) -> list[Leaf]:
    """All that may send for these options; those themselves where they hold no others, or cannot be understood."""
    seen: Counter[str] = Counter()
    found = []
    for each in unfold(options):
        name = label(each)
        seen[name] += 1
        found.append(Leaf(f"{name}:{seen[name]}" if seen[name] > 1 else name, each))
    return found
