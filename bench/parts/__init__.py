"""What is measured, a module each: ``run(machine, load)`` gives the tables that go into docs/performance.md."""

import os
from typing import TypeVar

T = TypeVar("T")


def scale(full: T, quick: T) -> T:
    """``quick`` with BENCH_QUICK=1, which tries out the bench and measures nothing."""
    return quick if os.environ.get("BENCH_QUICK") == "1" else full
