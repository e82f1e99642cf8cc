"""What projects write in their settings and in their code."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from types import ModuleType

from django.apps import apps

from phonebind import audit, conf, exceptions, limits
from phonebind.lifecycle import exceptions as life_exceptions
from tests.public.tree import ROOT, sources
from tests.support.documents import named, read, rows
from tests.test_public import EXPORTED, IMPORTED

#: Words that belong to the sentences of the docstring, and not to the lists of values.
_PROSE = {"phonebind", "code", "operations"}


def settings() -> Iterator[str]:
    """The settings of ``PHONEBIND``, the fields of a provider, and the names of the limits."""
    yield from conf.NAMES
    yield from (f"PROVIDERS.{field.name}" for field in fields(conf.ProviderSettings))
    yield from (f"LIMITS.{name}" for name in limits.RULES)


def errors() -> Iterator[str]:
    """``400 sms_code_invalid``"""
    for module in (exceptions, life_exceptions):
        kinds = (getattr(module, name) for name in module.__all__)
        yield from (f"{kind.status} {kind.code}" for kind in kinds if hasattr(kind, "code"))


def signals() -> Iterator[str]:
    """``signed_in user``: read from the reference. A test checks that page against the code."""
    for name, arguments in [row[:2] for row in rows(read("reference/signals")) if len(row) == 3]:
        yield from (f"{name.strip('`')} {argument}" for argument in named(arguments))


def checks() -> Iterator[str]:
    """``phonebind.E001``"""
    text = "".join(path.read_text() for path in sources("py"))
    yield from re.findall(r"\"(phonebind\w*\.[EW]\d{3})\"", text)


def python() -> Iterator[str]:
    """``phonebind.binding.unbind(user, provider)``. An argument that a caller may leave out is written as ``name=``."""
    exported = [(module, name) for module, names in EXPORTED for name in names]
    for module, name in [*IMPORTED, *exported]:
        yield f"{module}.{name}{_parameters(importlib.import_module(module), name)}"
    yield "phonebind.__version__"
    yield from (f"phonebind.exceptions.{name}" for name in exceptions.__all__)


def audit_records() -> Iterator[str]:
    """The attributes of a record of ``phonebind.audit``, and the values of ``action`` and ``outcome``."""
    text = re.sub(r"\n {2,}", " ", audit.__doc__ or "")
    for name, words in re.findall(r"^([a-z_]+) {2,}(.*)$", text, re.MULTILINE):
        yield name
        if name in {"action", "outcome"}:
            listed = set(re.findall(r"\b[a-z]+(?:_[a-z]+)*(?=[,.;]|$)", words)) - _PROSE
            yield from (f"{name} {word}" for word in listed)


def extras() -> Iterator[str]:
    """``pip install "phonebind[image]"``. ``test`` is left out: only our own tests need it."""
    text = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    yield from {*re.findall(r"^(\w+) = \[", text.partition("\n[")[0], re.MULTILINE)} - {"test"}


def tables() -> Iterator[str]:
    """``phonebind_socialaccount.provider``: tables and columns. They change by migrations only."""
    for label in ("phonebind", "phonebind_lifecycle", "phonebind_operations"):
        for model in apps.get_app_config(label).get_models():
            yield from (f"{model._meta.db_table}.{field.column}" for field in model._meta.concrete_fields)


def _parameters(module: ModuleType, name: str) -> str:
    found = getattr(module, name)
    if not inspect.isfunction(found):
        return ""
    plain = [
        each.replace(
            annotation=inspect.Parameter.empty,
            default=inspect.Parameter.empty if each.default is inspect.Parameter.empty else _Left(),
        )
        for each in inspect.signature(found).parameters.values()
    ]
    return str(inspect.Signature(plain))


class _Left:
    """Stands for any default value."""

    def __repr__(self) -> str:
        return ""
