"""Clients of all slow kinds at once, and what other clients notice of them."""

from contextlib import ExitStack

import pytest

from tests.support.slow import KINDS, slow_clients
from tests.support.torture import scale
from tests.torture import load
from tests.torture.people import Shop
from tests.torture.report import Note

#: Clients of each kind. Together they are far more than the 64 threads, and fewer than the 1,024 files that a test may
#: open.
MANY = scale(120, 30)
#: Seconds. All slow clients stay connected for as long as the other clients are measured.
DEADLINE = load.SECONDS + 3
SETTINGS: dict[str, object] = {}
ENVIRON = {"REQUEST_DEADLINE": str(DEADLINE)}


@pytest.mark.once
def test_threat_44_slow_clients_of_all_kinds(shop: Shop, note: Note) -> None:
    quiet = load.probe(shop)
    with ExitStack() as stack:
        crowds = {kind: stack.enter_context(slow_clients(shop.port, kind, MANY)) for kind in KINDS}
        slow = load.probe(shop)
        assert {kind: crowd.send_more() for kind, crowd in crowds.items()} == dict.fromkeys(KINDS, MANY)
        more = max(crowd.wait_for_the_end(DEADLINE) for crowd in crowds.values())
    assert {outcome for outcome, _ in quiet + slow} == {"200"}
    # Without a limit on the time in a thread, no other client would get an answer before the deadline.
    assert load.p99(slow) < 1000
    note(
        f"{MANY} slow clients of each kind at once: {', '.join(KINDS)}",
        open_at_once=MANY * len(KINDS),
        others_p99_quiet=f"{load.p99(quiet):.1f} ms",
        others_p99_meanwhile=f"{load.p99(slow):.1f} ms",
        all_cut_after=f"{load.SECONDS + more:.1f} s",
        deadline=f"{DEADLINE} s",
    )
