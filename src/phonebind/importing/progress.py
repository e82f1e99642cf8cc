"""A progress bar on a terminal. Without a terminal, nothing is written."""

from collections.abc import Iterable
from typing import TextIO

_WIDTH = 30


class Progress:
    """One line that is overwritten at each step."""

    def __init__(self, stream: TextIO | None, *, wanted: bool) -> None:
        # The stream is None if its descriptor is closed, as under some supervisors.
        self._stream = stream if wanted and stream is not None and stream.isatty() else None

    def run(self, name: str, steps: Iterable[int], total: int) -> int:
        """Run ``steps``, each of which yields how much it has done. Returns the sum."""
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
