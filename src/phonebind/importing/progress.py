"""A bar on a terminal that shows how far it is. Where nobody looks, nothing is written."""

from collections.abc import Iterable
from typing import TextIO

_WIDTH = 30


class Progress:
    """One line, written over and over."""

    def __init__(self, stream: TextIO | None, *, wanted: bool) -> None:
        # None where the descriptor is closed, as under some supervisors.
        self._stream = stream if wanted and stream is not None and stream.isatty() else None

    def run(self, name: str, steps: Iterable[int], total: int) -> int:
        """Go through ``steps``, each of which says how much it has done; all that was done."""
        done = 0
        self._draw(name, done, total)
        for step in steps:
            done += step
            self._draw(name, done, total)
        if self._stream:
            self._stream.write("\n")
        return done

    def _draw(self, name: str, done: int, total: int) -> None:
        if self._stream:
            share = min(done / total, 1) if total else 1
            bar = "#" * int(share * _WIDTH)
            self._stream.write(f"\r{name:<12} [{bar:<{_WIDTH}}] {done:,} / {total:,}")
            self._stream.flush()
