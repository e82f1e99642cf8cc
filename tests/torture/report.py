"""The results of the runs, as the tables in ``docs/en/explanation/reliability.md`` and its Chinese page.

Each test writes its rows to the file that ``TORTURE_ROWS`` names. ``python -m tests.torture.report`` prints the table.
With ``write`` it also puts each row into both pages, in place of the row of an earlier run.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

PAGES = [Path(f"docs/{language}/explanation/reliability.md") for language in ("zh", "en")]
#: ``note("what was tried", seen=…)``.
Note = Callable[..., None]

_FILE = "TORTURE_ROWS"


def write(what: str, database: str, seen: dict[str, object]) -> None:
    """Write one row. ``seen`` has counts or words, by name."""
    if path := os.environ.get(_FILE):
        with Path(path).open("a") as rows:
            rows.write(json.dumps({"what": what, "database": database, "seen": seen}, ensure_ascii=False) + "\n")


def noting(database: str) -> Note:
    """The function that a test calls with its results on this database."""

    def note(what: str, **seen: object) -> None:
        write(what, database, seen)

    return note


def rows(lines: list[str]) -> list[str]:
    """Markdown: one row for each test, on each database."""
    return [
        f"| {row['what']} | {row['database']} | "
        + "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in row["seen"].items())
        + " |"
        for row in map(json.loads, lines)
    ]


def table(lines: list[str]) -> str:
    """The rows with the head of the table."""
    return "\n".join(["| what was tried | on | what was seen |", "|---|---|---|", *rows(lines)])


def placed(page: str, new: list[str]) -> tuple[str, list[str]]:
    """The page with the new rows in place of the old ones of the same test, and the rows that have no place
    there yet.
    """
    results = {_tried(row): row for row in new}
    lines = [results.pop(_tried(line), line) if line.startswith("| ") else line for line in page.split("\n")]
    return "\n".join(lines), list(results.values())


def _tried(row: str) -> str:
    """The test and the database of a row."""
    return row.rsplit(" | ", 1)[0]


def main(*, write: bool) -> None:
    """Print the table, and update the pages if asked to."""
    lines = Path(os.environ[_FILE]).read_text().splitlines()
    sys.stdout.write(table(lines) + "\n")
    for page in PAGES if write else []:
        text, homeless = placed(page.read_text(), rows(lines))
        page.write_text(text)
        sys.stderr.write("".join(f"No place in {page}: {row}\n" for row in homeless))


if __name__ == "__main__":
    main(write=sys.argv[1:] == ["write"])
