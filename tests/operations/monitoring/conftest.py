from typing import Any

import pytest

from tests.operations.monitoring.counts import Counted, count


@pytest.fixture
def counted() -> Counted:
    """The increase of a metric since the first call."""
    before: dict[Any, float] = {}

    def more(name: str, **of: str) -> float:
        now = count(name, **of)
        return now - before.setdefault((name, *sorted(of.items())), now)

    return more
