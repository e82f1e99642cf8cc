"""MariaDB with a replica that is five seconds behind, and Django's documented router.

``make torture PARTS=mariadb-replica``; no other run collects it.
"""

from collections.abc import Iterator

import pytest

from tests.support import mariadb
from tests.support.mariadb import MariaDB, Pair
from tests.torture import lagging
from tests.torture.crowd import Site
from tests.torture.outside import Outside
from tests.torture.report import Note, noting


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with mariadb.pair(delay=lagging.DELAY) as made:
        yield made


@pytest.fixture(scope="module")
def site(pair: Pair, neighbours: Outside) -> Iterator[Site]:
    with lagging.site(neighbours, pair.primary, pair.replica, lagging.OURS) as made:
        yield made


@pytest.fixture
def primary(pair: Pair) -> MariaDB:
    return pair.primary


@pytest.fixture
def replica(pair: Pair) -> MariaDB:
    return pair.replica


@pytest.fixture
def note() -> Note:
    return noting("mariadb")


class TestMariaDB(lagging.Lagging):
    """See :class:`tests.torture.lagging.Lagging`."""
