"""Tables and text: print them, and write them into their places in docs/{zh,en}/explanation/performance.md."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.contenders import ROOT

#: The folder of the page in each language.
PAGES = [ROOT / "docs" / language / "explanation" for language in ("zh", "en")]


@dataclass
class Table:
    """``name`` is its place in the page: between ``<!-- name -->`` and ``<!-- /name -->``."""

    name: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        """Add a row. Numbers get only significant digits."""
        self.rows.append([_text(cell) for cell in cells])

    def markdown(self) -> str:
        """The first column is text, the others are numbers."""
        marks = ["---", *["---:"] * (len(self.columns) - 1)]
        return "\n".join(f"| {' | '.join(row)} |" for row in [self.columns, marks, *self.rows])


@dataclass
class Block:
    """Text that is written as it is; ``name`` as in Table."""

    name: str
    text: str

    def markdown(self) -> str:
        return f"```text\n{self.text.strip()}\n```"


def publish(tables: Sequence[Table | Block], page: str = "performance", folders: Sequence[Path] = PAGES) -> None:
    """Print them, and update the page in each language."""
    for table in tables:
        print(f"\n{table.name}\n{table.markdown()}", flush=True)
    for document in (folder / f"{page}.md" for folder in folders):
        document.write_text(_filled(document, tables))


def _filled(document: Path, tables: Sequence[Table | Block]) -> str:
    text = document.read_text()
    for table in tables:
        start, end = f"<!-- {table.name} -->", f"<!-- /{table.name} -->"
        before, found, rest = text.partition(start)
        if not found:
            raise ValueError(f"{document} has no place for {start}")
        text = f"{before}{start}\n{table.markdown()}\n{end}{rest.partition(end)[2]}"
    return text


def _text(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
