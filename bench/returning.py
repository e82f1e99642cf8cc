"""People who are bound and come back, so many a second whatever becomes of others, while something else goes on."""

from collections.abc import Sequence
from statistics import median

from bench.contenders import Site
from bench.contenders.phonebind import CONTENDER
from bench.load import Load, Result
from bench.parts import scale

#: Who can: each of them once in a while.
PEOPLE = scale(10_000, 1_000)
#: Sign-ins a second, and for how long.
RATE, SECONDS = 20, scale(15, 4)


class Returning:
    """Browsers of their own. Nobody among them may be refused."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._load = Load()
        self._first = 1

    def get_ready(self) -> None:
        """Up to the provider's callback, which is what they come back with."""
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
