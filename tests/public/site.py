"""What designers and operators depend on: templates, styles, commands, variables, metrics, the sandbox."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

from django.core.management import get_commands, load_command_class

from phonebind.operations.monitoring import metrics, series
from phonebind_sandbox import flags
from phonebind_sandbox.faults import SWITCHES
from tests.public.tree import ROOT, sources
from tests.support.documents import anchors, named, read, rows, section


def templates() -> Iterator[str]:
    """``phonebind/bind.html main``: pages and their blocks."""
    for path in sources("html"):
        name = path.as_posix().partition("/templates/")[2]
        if name.startswith("phonebind/"):
            yield from (f"{name} {block}" for block in re.findall(r"{% block (\w+) %}", path.read_text()))


def styles() -> Iterator[str]:
    """The variables of the pages' style sheet."""
    text = (ROOT / "src/phonebind/pages/static/phonebind/phonebind.css").read_text()
    yield from re.findall(r"(--[\w-]+):", text)
    yield from re.findall(r"var\((--[\w-]+)", text)


def commands() -> Iterator[str]:
    """``phonebind_sms send --purpose``: commands and their options, also those of ``phonebind-sandbox``."""
    for name, app in get_commands().items():
        if name.startswith("phonebind"):
            yield from _options(name, load_command_class(str(app), name).create_parser("manage.py", name))
    yield from _options(flags.PROGRAM, flags._parser())


def exits() -> Iterator[str]:
    """``phonebind_import 3``: exit codes, read from the reference. A test checks that page against the code."""
    text = read("reference/commands")
    for name in anchors(text):
        table = rows(section(text, name))
        yield from (f"{name} exits {row[0]}" for row in table if len(row) == 2 and row[0].isdigit())


def variables() -> Iterator[str]:
    """The environment variables of the reference server. A test checks their page against the code."""
    told = {word for row in rows(read("reference/variables")) for word in named(" ".join(row))}
    code = "".join(path.read_text() for path in sorted((ROOT / "server").glob("*.py")))
    yield from told & set(re.findall(r"\b(?:env\.\w+|environ\.get)\(\"([A-Z][A-Z_0-9]+)\"", code))


def metric_names() -> Iterator[str]:
    """``phonebind_sms outcome``: metrics and their labels."""
    for module in (series, metrics):
        for found in vars(module).values():
            metric: Any = getattr(found, "_metric", found)
            if hasattr(metric, "_labelnames") and hasattr(metric, "_name"):
                yield metric._name
                yield from (f"{metric._name} {label}" for label in metric._labelnames)


def switches() -> Iterator[str]:
    """``callback error``: switches of the sandbox and their values. Error codes are the vendors' own, so they are left
    out.
    """
    for name, switch in SWITCHES.items():
        yield name
        if not name.endswith(("_code", "_error")):
            yield from (f"{name} {choice}" for choice in switch.choices)


#: The options that Django gives to every command.
_DJANGO = {"-h", "--help", "--version", "-v", "--verbosity", "--settings", "--pythonpath", "--traceback"} | {
    "--no-color", "--force-color", "--skip-checks",
}  # fmt: skip


def _options(here: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield here
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _options(f"{here} {name}", inner)
        else:
            names = action.option_strings or [action.dest]
            yield from (f"{here} {name}" for name in names if name not in _DJANGO)
