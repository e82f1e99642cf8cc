"""One module for each measurement. ``run(machine, load)`` returns tables for docs/en/explanation/performance.md."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import TypeVar

from bench.contenders import ROOT

T = TypeVar("T")


def scale(full: T, quick: T) -> T:
    """``full``, or ``quick`` with BENCH_QUICK=1, which tries the bench and measures nothing."""
    return quick if os.environ.get("BENCH_QUICK") == "1" else full


def python(environ: Mapping[str, str], *options: str) -> tuple[str, str]:
    """What a separate Python process prints, and what it logs. If it fails, raises RuntimeError with the log."""
    command = [sys.executable, *options]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return done.stdout, done.stderr
