"""Gateways in the options of another one."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from phonebind.sms.base import Gateway
from phonebind.sms.registry import explain, make

#: What making a gateway raises where its options are wrong.
UNUSABLE = (AttributeError, ImportError, KeyError, TypeError, ValueError)


def label(options: Any) -> str:
    """What the options call the gateway; "" where they name none."""
    return str(options.get("gateway", "")) if isinstance(options, dict) else ""


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


def is_composite(options: Any) -> bool:
    """Whether it hands its messages to other gateways; False where it cannot be made."""
    try:
        return bool(getattr(make(options), "composite", False))
    except UNUSABLE:
        return False


def members(several: Iterable[Any]) -> list[Gateway]:
    """The gateways that these options name, but for those that cannot be made."""
    found = []
    for options in several:
        with suppress(*UNUSABLE):
            found.append(make(options))
    return found


class Leaf(NamedTuple):
    """A gateway that sends. ``name`` is the one in its options; the second of a name has ``:2`` behind it."""

    name: str
    options: Any


def leaves(options: Any) -> list[Leaf]:
    """All that may send for these options; those themselves where they hold no others, or cannot be understood."""
    seen: Counter[str] = Counter()
    found = []
    for each in _unfold(options):
        name = label(each)
        seen[name] += 1
        found.append(Leaf(f"{name}:{seen[name]}" if seen[name] > 1 else name, each))
    return found


def _unfold(options: Any) -> Iterator[Any]:
    held = getattr(make(options), "inner", None) if is_composite(options) else None
    if not isinstance(held, (list, tuple)):
        yield options
        return
    for each in held:
        yield from _unfold(each)
