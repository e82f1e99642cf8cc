"""A site whose codes and limits are in several Valkeys, and the fault that meets it; what is tried, what is told."""

import time
from collections.abc import Callable

from server import demo
from server.users.models import User
from tests.torture import crowd
from tests.torture.crowd import Crowd, Site
from tests.torture.report import Note

#: Seconds: of load before a fault, until the next servers must have taken over, and until the old ones have come back.
BEFORE, AFTER, BACK = 6, 9, 3


def strike(site: Site, fault: Callable[[], None], mend: Callable[[], None]) -> tuple[Crowd, float]:
    """Under a load of binds; who came, and when it happened. Nobody restarts the site."""
    processes = site.processes()
    with crowd.crowd(site) as people:
        time.sleep(BEFORE)
        struck = time.monotonic()
        fault()
        time.sleep(AFTER)
        mend()
        time.sleep(BACK)
    assert site.processes() == processes
    assert any(when > struck for when in site.refused), "nobody met the fault"
    crowd.nothing_is_lost(people, crowd.rows(), User.objects.exclude(mobile=demo.MOBILE).count())
    return people, struck


def report(note: Note, what: str, people: Crowd, struck: float) -> None:
    """Nothing that was used up is good again, and no limit was passed."""
    seen = crowd.told(people, struck)
    codes, tried = crowd.again(people, struck, crowd.code_is_good)
    tokens, refreshed = crowd.again(people, struck, crowd.token_is_good)
    note(
        what,
        **seen,
        used_codes_good_again=f"{len(codes)} of {tried}",
        used_refresh_tokens_good_again=f"{len(tokens)} of {refreshed}",
        signed_out_by_a_lost_answer=people.signed_out,
        SMS_beyond_a_limit=f"{people.beyond}, where {len(people.greedy)} mobiles asked for more",
    )
    assert (codes, tokens) == ([], [])
    assert people.beyond == 0
