"""The files that are installed at a site."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def sources(kind: str) -> Iterator[Path]:
    """The files of both packages whose names end in ``kind``."""
    for package in ("phonebind", "phonebind_sandbox"):
        yield from sorted((ROOT / "src" / package).rglob(f"*.{kind}"))
