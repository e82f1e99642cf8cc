"""How the mutants fared: ``python -m tests.mutants.report limits oauth/qq`` updates docs/en/explanation/mutants.md.

The reasons why survivors may live are kept in that file and carried over. Fails where one has none, or where a module
kills less than it promises.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mutmut.mutation.diff_apply import get_diff_for_mutant

from tests.mutants.definitions import OUTCOMES

PROMISED = 90
DOC = Path("docs/en/explanation/mutants.md")
MEASURED = "## Measured\n"
HEAD = "| module | mutants | killed | survived | timeout | % |\n|---|---:|---:|---:|---:|---:|"
SURVIVOR = re.compile(r"- `(.*?)`: `(.*?)` → `(.*?)`: (.+)")
UNEXPLAINED = "**not explained**"

#: pytest's exit codes, and mutmut's 33 for "no test came this way". All others are time-outs.
STATUS = {0: "survived", 5: "survived", 33: "survived", 1: "killed", 2: "killed", 3: "killed"}


class Outcome(NamedTuple):
    where: str
    before: str
    after: str
    status: str


def outcomes(module: str) -> Iterator[Outcome]:
    path = Path(f"src/phonebind/{module}.py")
    for name, code in json.loads(Path(f"mutants/{path}.meta").read_text())["exit_code_by_key"].items():
        status = "timeout" if code is not None else "not tried"
        status = STATUS.get(code, status)
        where = name.rpartition(".x")[2].rpartition("__mutmut_")[0].removeprefix("_").strip("ǁ").replace("ǁ", ".")
        diff = get_diff_for_mutant(name, path=path).splitlines()[2:] if status == "survived" else []
        yield Outcome(where, _lines(diff, "-"), _lines(diff, "+"), status)
    for found in json.loads(OUTCOMES.read_text()):
        if found["module"] == module:
            yield Outcome(found["where"], found["before"], found["after"], found["status"])


def _lines(diff: list[str], sign: str) -> str:
    return " ".join(line[1:].strip() for line in diff if line.startswith(sign))


def row(module: str, found: list[Outcome]) -> str:
    counts = [sum(one.status == status for one in found) for status in ("killed", "survived", "timeout")]
    share = 100 * (counts[0] + counts[2]) / len(found)
    return f"| `{module}` | {len(found)} | {' | '.join(map(str, counts))} | {share:.1f} |"


def main(modules: list[str]) -> None:
    introduction, _, measured = DOC.read_text().partition(MEASURED)
    rows = {line.split("`")[1]: line for line in measured.splitlines() if line.startswith("| `")}
    sections = {part.partition("\n")[0].strip(" `"): part.partition("\n")[2] for part in measured.split("\n### ")[1:]}
    for module in modules:
        found = list(outcomes(module))
        reasons = {key: why for *key_, why in SURVIVOR.findall(sections.get(module, "")) if (key := tuple(key_))}
        rows[module] = row(module, found)
        survivors = dict.fromkeys(one[:3] for one in found if one.status == "survived")
        sections[module] = "\n" + "".join(
            f"- `{where}`: `{before}` → `{after}`: {reasons.get((where, before, after), UNEXPLAINED)}\n"
            for where, before, after in survivors
        )
    table = "\n".join([HEAD, *rows.values()])
    lists = "".join(f"\n### `{module}`\n{text.rstrip()}\n" for module, text in sections.items() if text.strip())
    DOC.write_text(f"{introduction}{MEASURED}\n{table}\n\n## Survivors\n{lists}")
    print(table)
    if lists.count(UNEXPLAINED) or any(float(line.split("|")[-2]) < PROMISED for line in rows.values()):
        sys.exit(f"{lists.count(UNEXPLAINED)} survivors are not explained in {DOC}, or a module is below {PROMISED} %.")


if __name__ == "__main__":
    main(sys.argv[1:])
