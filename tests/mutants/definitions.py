"""Mutants of code outside functions, which mutmut does not change: Lua scripts, patterns, tables and constants.

``python -m tests.mutants.definitions limits oauth/qq`` runs each against its module's own tests and writes OUTCOMES.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

OUTCOMES = Path("mutants/definitions.json")
TIMEOUT = 300
SOURCE = Path("src/phonebind")
#: pytest's exit codes. Any other code is no result: a mutant that cannot run at all was not killed by a test.
STATUS = {0: "survived", 1: "killed", 2: "killed"}

Change = tuple[str, str | Callable[[re.Match[str]], str]]


def _one_more(number: re.Match[str]) -> str:
    return str(int(number[0]) + 1)


LUA: list[Change] = [
    (r">=", ">"),
    (r">(?!=)", ">="),
    (r"==", "~="),
    (r"\band\b", "or"),
    (r"\bor\b", "and"),
    (r"\bnot ", ""),
    (r"#ARGV", "#ARGV - 1"),
    (r"math\.max", "math.min"),
    (r"\b\d+\b", _one_more),  # also KEYS[1], ARGV[2]
    (r"'[a-z_]+'", "'other'"),  # a field of the hash
    (r"(?m)^ *(redis\.call|return)\b.*\n", ""),
]
PATTERN: list[Change] = [
    (r"\\[AZ]", ""),
    (r"(?<!\\)\+", "*"),
    (r"(?<!\\)\*", "+"),
    (r"(?<![\\(])\?", ""),
]
TEXT: list[Change] = [(r"(?s)\A.+\Z", "XX")]
NUMBER: list[Change] = [(r"\A[\d_]+\Z", _one_more)]


class Mutant(NamedTuple):
    module: str
    where: str
    before: str
    after: str
    source: str


def mutants(module: str) -> Iterator[Mutant]:
    source = (SOURCE / f"{module}.py").read_text()
    for where, node, changes in _literals(ast.parse(source).body):
        literal = ast.get_source_segment(source, node) or ""
        # ast counts the bytes of a line
        line = source.splitlines(keepends=True)[node.lineno - 1].encode()[: node.col_offset].decode()
        start = sum(map(len, source.splitlines(keepends=True)[: node.lineno - 1])) + len(line)
        end = start + len(literal)
        quotes = len(literal) - len(literal.lstrip('r"'))
        for pattern, replacement in changes:
            for found in re.finditer(pattern, literal[quotes : len(literal) - len(literal[:quotes].lstrip("r"))]):
                new = found.expand(replacement) if isinstance(replacement, str) else replacement(found)
                mutated = literal[: quotes + found.start()] + new + literal[quotes + found.end() :]
                yield _mutant(module, where, source, source[:start] + mutated + source[end:])


def _literals(body: list[ast.stmt]) -> Iterator[tuple[str, ast.Constant, list[Change]]]:
    """Every string and integer that is assigned in the module or in a class: its name, its position, the changes to
    make.
    """
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _literals(statement.body)
        elif isinstance(statement, ast.Assign):
            value, where = statement.value, ast.unparse(statement.targets[0])
            called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
            text = {"store.Script": LUA, "re.compile": PATTERN}.get(called, TEXT)
            for node in ast.walk(value):
                if isinstance(node, ast.Constant) and type(node.value) in (int, str):
                    yield where, node, text if isinstance(node.value, str) else NUMBER


def _mutant(module: str, where: str, source: str, mutated: str) -> Mutant:
    old, new = source.splitlines(), mutated.splitlines()
    changed = next(number for number, line in enumerate(old) if line != new[number])
    after = new[changed].strip() if len(new) == len(old) else ""
    return Mutant(module, where, old[changed].strip(), after, mutated)


def outcome(mutant: Mutant) -> dict[str, Any]:
    tests = Path("tests", mutant.module).with_name(f"test_{Path(mutant.module).name}.py")
    options = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]["pytest_add_cli_args"]
    command = [sys.executable, "-m", "pytest", "-qx", *options, tests]
    with TemporaryDirectory(dir=OUTCOMES.parent) as copy:
        shutil.copytree(SOURCE, Path(copy, SOURCE.name))
        Path(copy, SOURCE.name, f"{mutant.module}.py").write_text(mutant.source)
        environment = os.environ | {"PYTHONPATH": copy}
        try:
            run = subprocess.run(command, env=environment, capture_output=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            status = "timeout"
        else:
            if run.returncode not in STATUS:
                raise RuntimeError(f"pytest ended with {run.returncode}:\n{run.stderr.decode()}")
            status = STATUS[run.returncode]
    print(status, *mutant[:3], "→", mutant.after, flush=True)
    return mutant._asdict() | {"status": status, "source": None}


if __name__ == "__main__":
    OUTCOMES.parent.mkdir(exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(outcome, [mutant for module in sys.argv[1:] for mutant in mutants(module)]))
    OUTCOMES.write_text(json.dumps(outcomes))
