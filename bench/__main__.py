"""``python -m bench [PART…]``: all parts, or those that are named. See docs/en/explanation/performance.md."""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from bench.load import Load
from bench.machine import machine
from bench.report import publish

PARTS = (
    "sign_in",
    "crowd",
    "first_bind",
    "image_flood",
    "failover",
    "endpoints",
    "account_life",
    "operations",
    "sms_send",
    "import_bindings",
    "growth",
    "size",
)


def main(names: list[str]) -> None:
    """Each on the same machine, one after the other."""
    load = Load()
    # What takes long to make is there again the next time, where a directory is named.
    kept = os.environ.get("BENCH_DIR")
    with machine(Path(kept) if kept else None) as shared:
        for name in names or PARTS:
            print(f"==== {name}", flush=True)
            publish(import_module(f"bench.parts.{name}").run(shared, load))
    load.stop()


if __name__ == "__main__":
    # So that nothing that was started outlives us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(sys.argv[1:])
