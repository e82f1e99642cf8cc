"""tests.support.ports, which gives ports to the servers of tests that run at the same time."""

import subprocess
import sys

from tests.support import ports
from tests.support.site import ROOT


def test_two_processes_are_never_given_the_same_port() -> None:
    ours = ports.free_ports(150)
    ask = "from tests.support import ports; print(*ports.free_ports(150))"
    asked = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True)
    theirs = [int(port) for port in asked.stdout.split()]
    assert len(set(ours)) == len(set(theirs)) == 150
    assert not set(ours) & set(theirs)
