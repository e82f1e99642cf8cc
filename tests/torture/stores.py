"""A site whose codes and limits are in several Valkeys: cause a fault, try used things again, report the results."""

import time
from collections.abc import Callable

from server import demo
from server.users.models import User
from tests.torture import crowd
from tests.torture.crowd import Crowd, Site
from tests.torture.report import Note

#: Seconds: of load before a fault, until the next servers must have taken over, and until the old ones are back.
BEFORE, AFTER, BACK = 6, 9, 3


def strike(site: Site, fault: Callable[[], None], mend: Callable[[], None]) -> tuple[Crowd, float]:
    """Cause a fault under a load of binds. Returns the people who came, and the time of the fault. The site is not
    restarted.
    """
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
    """Asserts that nothing that was used up works again, and that no limit was exceeded."""
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
