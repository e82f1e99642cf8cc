"""Gateways in the options of another one."""

from typing import Any

from phonebind.sms.registry import make

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
        return [f"{type(error).__name__}: {error}"]


def is_composite(options: Any) -> bool:
    """Whether it hands its messages to other gateways; False where it cannot be made."""
    try:
        return bool(getattr(make(options), "composite", False))
    except UNUSABLE:
        return False
