"""What the runs saw, as the table in ``docs/en/explanation/reliability.md``.

Each test writes its rows to the file that ``TORTURE_ROWS`` names; ``python -m tests.torture.report`` prints the table.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

#: ``note("what was tried", seen=…)``.
Note = Callable[..., None]

_FILE = "TORTURE_ROWS"


def write(what: str, database: str, seen: dict[str, object]) -> None:
    """One row. Values are counts or words, by what they count."""
    if path := os.environ.get(_FILE):
        with Path(path).open("a") as rows:
            rows.write(json.dumps({"what": what, "database": database, "seen": seen}, ensure_ascii=False) + "\n")


def noting(database: str) -> Note:
    """What a test calls with what it saw on this database."""

    def note(what: str, **seen: object) -> None:
        write(what, database, seen)

    return note


def table(lines: list[str]) -> str:
    """Markdown: one line for each thing tried, on each database."""
    rows = [json.loads(line) for line in lines]
    out = ["| what was tried | on | what was seen |", "|---|---|---|"]
    for row in rows:
        seen = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in row["seen"].items())
        out.append(f"| {row['what']} | {row['database']} | {seen} |")
    return "\n".join(out)


if __name__ == "__main__":
    sys.stdout.write(table(Path(os.environ[_FILE]).read_text().splitlines()) + "\n")
