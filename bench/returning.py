"""Bound people who come back at a fixed rate, whatever happens to other requests, while something else is measured."""

from collections.abc import Sequence
from statistics import median

from bench.contenders import Site
from bench.contenders.phonebind import CONTENDER
from bench.load import Load, Result
from bench.parts import scale

#: The people who come back. Each of them comes rarely.
PEOPLE = scale(10_000, 1_000)
#: Sign-ins per second, and the seconds of a round.
RATE, SECONDS = 20, scale(15, 4)


class Returning:
    """Browsers of returning people. None of them may be refused."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._load = Load()
        self._first = 1

    def get_ready(self) -> None:
        """Go up to the provider's callback. That is the request with which they come back."""
        count = RATE * SECONDS
        self._load.begin(CONTENDER, self._site, range(self._first, self._first + count))
        self._first = (self._first + count) % (PEOPLE - count) + 1

    def come(self) -> Result:
        return self._load.fire(rate=RATE).all_good()

    def stop(self) -> None:
        self._load.stop()


def percentiles(results: Sequence[Result]) -> list[float]:
    """Milliseconds: the medians of p50 and of p99."""
    return [median(result.percentile(number) for result in results) for number in (50, 99)]
