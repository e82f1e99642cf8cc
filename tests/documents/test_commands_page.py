"""The pages of the commands have each command, and each option that its parser takes with its default."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import LANGUAGES, ROOT, anchors, read, rows, section

SOURCES = {path.stem: path for path in (ROOT / "src/phonebind").rglob("management/commands/phonebind_*.py")}
SOURCES["phonebind-sandbox"] = ROOT / "src/phonebind_sandbox/flags.py"


def _options(path: Path) -> dict[str, Any]:
    """From its source: the app of some commands is not installed here. Of subcommands as ``send --yes``, and the default."""
    calls = [call for call in ast.walk(ast.parse(path.read_text())) if isinstance(call, ast.Call)]
    made = {
        target.id: each.value.args[0].value
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Call) and ast.unparse(each.value.func).endswith("add_parser")
        for target in each.targets
        if isinstance(target, ast.Name) and isinstance(each.value.args[0], ast.Constant)
    }
    found = {call.args[0].value: None for call in calls if ast.unparse(call.func).endswith("add_parser") and isinstance(call.args[0], ast.Constant)}
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument" and isinstance(call.args[0], ast.Constant):
            more = {each.arg: each.value for each in call.keywords}
            name = more["metavar"].value if "nargs" in more else call.args[0].value  # type: ignore[attr-defined]
            default = more.get("default")
            owner = made.get(ast.unparse(call.func.value), "")
            found[f"{owner} {name}".strip()] = default.value if isinstance(default, ast.Constant) else None
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
