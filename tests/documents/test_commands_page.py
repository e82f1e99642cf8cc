"""The pages of the commands have each command, and each option of its parser with its default."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import LANGUAGES, ROOT, anchors, read, rows, section

COMMANDS = (ROOT / "src/phonebind").rglob("management/commands/phonebind_*.py")
SOURCES = {path.stem: path for path in COMMANDS}
SOURCES["phonebind-sandbox"] = ROOT / "src/phonebind_sandbox/flags.py"


def _calls(tree: ast.AST, method: str) -> Iterator[tuple[ast.Call, str]]:
    """Each call of a method, and its first argument if that is a text."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method:
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Constant):
                yield call, str(first.value)


def _value(node: ast.expr | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _options(path: Path) -> dict[str, Any]:
    """Each option with its default; a subcommand's as ``send --yes``. Read from the source: some apps are not
    installed.
    """
    tree = ast.parse(path.read_text())
    subcommands = dict(_calls(tree, "add_parser"))
    assigned = [each for each in ast.walk(tree) if isinstance(each, ast.Assign)]
    variables = {
        ast.unparse(each.targets[0]): subcommands[each.value] for each in assigned if each.value in subcommands
    }
    found: dict[str, Any] = dict.fromkeys(subcommands.values())
    for call, name in _calls(tree, "add_argument"):
        more = {each.arg: each.value for each in call.keywords}
        owner = variables.get(ast.unparse(call.func.value), "")  # type: ignore[attr-defined]
        shown = _value(more.get("metavar")) if "nargs" in more else name
        found[f"{owner} {shown}".strip()] = _value(more.get("default"))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_command_is_there(language: str) -> None:
    assert sorted(anchors(read("reference/commands", language))) == sorted(SOURCES)


@pytest.mark.parametrize("command", SOURCES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_is_there_with_its_default(language: str, command: str) -> None:
    tables = rows(section(read("reference/commands", language), command))
    told = {row[0].strip("`"): row[1] for row in tables if len(row) == 3}
    options = _options(SOURCES[command])
    assert told.keys() - {"send mobile"} == options.keys() - {"send", "send mobile"}
    for name, default in options.items():
        if isinstance(default, (str, int)) and default not in ("", 0, "all"):
            assert told[name] == f"`{default}`", name


@pytest.mark.parametrize("command", SOURCES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_exit_status_is_there(language: str, command: str) -> None:
    told = {int(row[0]) for row in rows(section(read("reference/commands", language), command)) if len(row) == 2}
    path = SOURCES[command] if command != "phonebind-sandbox" else ROOT / "src/phonebind_sandbox/command.py"
    text = path.read_text()
    fails = {1} if re.search(r"CommandError\(|sys\.exit\(1\)|sys\.exit\(f?\"", text) else set()
    assert told - ({3} if "UNRESOLVED = 3" in text else set()) == {0, 2} | fails
