"""Make the object that a setting names by a dotted path, with the rest of the entry as keyword arguments."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.utils.module_loading import import_string

Made = TypeVar("Made")

#: Exceptions that mean wrong options.
UNUSABLE = (AttributeError, ImportError, KeyError, TypeError, ValueError)


class WrongOptions(TypeError, ValueError):
    """Options are missing or unknown. The message is for the operator."""


def build(path: str, options: Mapping[str, Any]) -> Any:
    """An object of the class at ``path``.

    Raises WrongOptions if the options do not fit the class, ImportError for a wrong path or a library that is not
    installed, and any exception of a host's class.
    """
    return make(import_string(path), options)


def make(kind: Callable[..., Made], options: Mapping[str, Any]) -> Made:
    """Like :func:`build`, for the class itself."""
    try:
        return kind(**options)
    except TypeError:
        # Only after the failure: each message makes a gateway, and inspecting a class costs more than making an object.
        misfit = _misfit(kind, options)
        if not misfit:
            raise
        raise WrongOptions(misfit) from None


def explain(error: Exception) -> str:
    """The message of the system checks for an exception of :func:`build`."""
    return str(error) if isinstance(error, WrongOptions) else f"{type(error).__name__}: {error}"


def _misfit(kind: Callable[..., Any], options: Mapping[str, Any]) -> str:
    """Which options are missing, and which are unknown; "" if the cause is another one."""
    parameters = inspect.signature(kind).parameters.values()
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = {each.name: each.default is each.empty for each in parameters if each.kind is not each.VAR_KEYWORD}
    missing = [name for name, is_required in known.items() if is_required and name not in options]
    unknown = [] if takes_any else [repr(name) for name in options if name not in known]
    told = [f"missing: {', '.join(missing)}"] if missing else []
    if unknown:
        told.append(f"unknown: {', '.join(unknown)}; the options are {', '.join(known) or 'none'}")
    return "; ".join(told)
