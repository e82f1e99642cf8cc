"""tests.support.stopwatch: what counts, and what does not."""

import re
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from server.processes import spawn, stop
from tests.support.site import ROOT
from tests.support.stopwatch import seconds

pytestmark = pytest.mark.once

WAITS = """
import time
from tests.support.stopwatch import Stopwatch
with Stopwatch() as watch:
    print("begun", flush=True)
    time.sleep(1)
print(watch.wall, watch.seconds)
"""


def test_a_process_that_stands_still_is_not_measured() -> None:
    process = spawn([sys.executable, "-c", WAITS], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGSTOP)
        while psutil.Process(process.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        time.sleep(3)
        process.send_signal(signal.SIGCONT)
        wall, counted = map(float, process.stdout.read().split())
    finally:
        process.send_signal(signal.SIGCONT)
        stop(process)
        process.stdout.close()
    assert wall > 2.9
    assert counted < 1.1


def test_a_wait_is_measured() -> None:
    assert seconds(lambda: threading.Event().wait(0.5)) > 0.02  # most of it may be lost to a busy machine


def test_a_computation_that_lets_no_other_thread_run_is_measured() -> None:
    began = time.thread_time()
    counted = seconds(lambda: re.match(r"(?:a|aa)+\Z", "a" * 36 + "b"))
    assert counted > 0.9 * (time.thread_time() - began) > 0.1
