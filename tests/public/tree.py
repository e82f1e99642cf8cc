"""The files of what is installed at a site."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def sources(kind: str) -> Iterator[Path]:
    """Of both packages, by the ends of their names."""
    for package in ("phonebind", "phonebind_sandbox"):
        yield from sorted((ROOT / "src" / package).rglob(f"*.{kind}"))
