"""``python -m bench [PART…]``: run all parts, or the named ones. See docs/en/explanation/performance.md."""

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
    """Run the parts one after the other on the same machine."""
    load = Load()
    # If BENCH_DIR names a directory, databases that take long to make are kept there for the next run.
    kept = os.environ.get("BENCH_DIR")
    with machine(Path(kept) if kept else None) as shared:
        for name in names or PARTS:
            print(f"==== {name}", flush=True)
            publish(import_module(f"bench.parts.{name}").run(shared, load))
    load.stop()


if __name__ == "__main__":
    # SIGTERM exits through the context managers, so that no child process is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(sys.argv[1:])
