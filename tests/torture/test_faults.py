"""Processes are killed, and neighbours hang, during a load of binds."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.db import connection

from phonebind.models import SocialAccount
from server.processes import Valkey
from server.users.models import User
from tests.support.services import database_server
from tests.support.torture import scale
from tests.torture import load
from tests.torture.people import Person, Reply, Shop
from tests.torture.report import Note
from tests.torture.serving import THREADS, WORKERS

PEOPLE = scale(200, 40)
KILLS = scale(8, 3)
AT_ONCE = 16
#: The waits of a minute or an hour before the next SMS are switched off here.
SETTINGS = {
    "LIMITS": {
        "sms_mobile_gap": (1, 1),
        "sms_mobile_hour": (1000, 3600),
        "sms_mobile_day": (1000, 86_400),
        "sms_mobile_open_hour": (900, 3600),
        "sms_mobile_open_day": (900, 86_400),
        "sms_site_hour": (10**6, 3600),
        # A person asks again and again while the database is away, and a slow start is long.
        "sms_code_identity_hour": (1000, 3600),
    }
}


def run(
    shop: Shop, kill: Callable[[], None], act: Callable[[Person], Reply] = Person.arrive_and_bind, many: int = PEOPLE
) -> tuple[list[Reply], list[int]]:
    """All people sign in and bind, while something is killed at intervals. Returns their last answers, and for each
    kill the number of requests that were on their way.
    """
    people = [Person(shop, f"{number:032X}", f"139{number:08}") for number in range(many)]
    kills: list[int] = []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        under_way = [threads.submit(act, person) for person in people]
        while len(kills) < KILLS or not all(one.done() for one in under_way):
            time.sleep(random.uniform(0.2, 0.6))
            if len(kills) < KILLS:
                kills.append(shop.under_way)
                kill()
            # If the load ends before the last kill, the people who were bound come back.
            if all(one.done() for one in under_way) and len(kills) < KILLS:
                under_way += [threads.submit(act, random.choice(people)) for _ in range(AT_ONCE * 4)]
        return [one.result() for one in under_way], kills


def nothing_is_lost(shop: Shop, replies: list[Reply]) -> None:
    """Each person is bound, exactly once; nothing is left half done; and no answer was a 500."""
    assert {reply.status for reply in replies} <= {200, 201}, {reply.outcome for reply in replies}
    users, accounts = User.objects.all(), SocialAccount.objects.select_related("user")
    assert len(users) == len(accounts) == PEOPLE
    assert {(account.openid, account.user.get_username()) for account in accounts} == {
        (f"{number:032X}", f"139{number:08}") for number in range(PEOPLE)
    }
    assert all(user.mobile == user.username for user in users)
    assert {outcome.split()[0] for outcome in shop.outcomes} <= {"200", "201", "400", "429", "502", "503", "broken"}
    assert shop.outcomes.keys() & {"400 invalid", "400 password_wrong", "400 already_bound"} == set()


def told(shop: Shop, kills: list[int]) -> dict[str, object]:
    # An error answer is not required: a request that waits in line for a connection may not notice that the database
    # was down.
    assert any(kills), "nobody was there when it was killed"
    interrupted = {name: n for name, n in sorted(shop.outcomes.items()) if name[0] == "5" or name == "broken off"}
    words = ", ".join(f"{number} × {name}" for name, number in interrupted.items()) or "nobody"
    met = f"{sum(kills)} requests"
    return {"kills": len(kills), "met": met, "people": PEOPLE, "bound": PEOPLE, "lost": 0, "interrupted": words}


def test_threat_6_web_workers_are_killed(shop: Shop, note: Note) -> None:
    def kill() -> None:
        workers = psutil.Process(shop.pid).children()
        if workers:
            random.choice(workers).kill()

    replies, kills = run(shop, kill)
    nothing_is_lost(shop, replies)
    note(f"kill -9 of a web worker under {PEOPLE} binds", **told(shop, kills))


def test_threat_20_valkey_is_killed(shop: Shop, note: Note, valkey: Valkey) -> None:
    def kill() -> None:
        valkey.process.kill()
        valkey.process.wait()
        time.sleep(0.3)
        valkey.start()

    replies, kills = run(shop, kill)
    nothing_is_lost(shop, replies)
    note(f"kill -9 of Valkey under {PEOPLE} binds", **told(shop, kills))


def test_threat_20_the_database_is_killed(shop: Shop, note: Note) -> None:
    database = database_server()
    if database is None:
        pytest.skip("SQLite is no server")

    def kill() -> None:
        database.kill()
        connection.close()  # the test's own connection is as broken as the server's
        time.sleep(0.3)
        database.start()

    replies, kills = run(shop, kill)
    nothing_is_lost(shop, replies)
    note(f"kill -9 of the database server under {PEOPLE} binds", **told(shop, kills))


@pytest.mark.once
def test_threat_20_while_valkey_is_away(shop: Shop, note: Note, valkey: Valkey) -> None:
    """Nothing is bound with a code that cannot be checked. The same form succeeds afterwards."""
    person = Person(shop, "A" * 32, "13900000001")
    ticket = person.ticket()
    assert person.ask_for_sms().status == 200
    code = shop.outside.code(person.mobile)
    valkey.process.kill()
    valkey.process.wait()
    refused = [person.bind(ticket, code) for _ in range(3)]
    assert {reply.outcome for reply in refused} == {"storage_unavailable"}
    assert not User.objects.exists()
    valkey.start()
    assert person.persist(lambda: person.bind(ticket, code)).status == 201
    note("Valkey away: a bind, and again when it is back", refused=len(refused), bound=1)


# ---------------------------------------------------------------- neighbours that hang


@pytest.mark.once
@pytest.mark.parametrize(
    ("path", "crowd", "refusals", "places"),
    [
        ("/oauth2.0/token", load.sign_ins, {"provider_unavailable"}, 8),
        ("/sms", load.sms_requests, {"sms_not_sent"}, 4),
    ],
    ids=["provider", "gateway"],
)
def test_threat_19_a_neighbour_hangs_and_the_rest_goes_on(
    shop: Shop, note: Note, path: str, crowd: load.Crowd, refusals: set[str], places: int
) -> None:
    quiet = load.probe(shop)
    with load.flood(shop, crowd):
        busy = load.probe(shop)
    shop.outside.most_held = 0
    shop.outside.hanging.add(path)
    with load.flood(shop, crowd) as refused:
        hanging = load.probe(shop)
    shop.outside.hanging.clear()
    assert Counter(outcome for outcome, _ in refused).keys() == refusals
    assert {outcome for outcome, _ in quiet + busy + hanging} == {"200"}
    # At most half the threads of all workers. Without a bound, it would be all of them.
    assert 0 < shop.outside.most_held <= places * WORKERS
    with load.flood(shop, crowd) as served:
        load.probe(shop)
    assert Counter(outcome for outcome, _ in served).most_common(1)[0][0] == "200", "and all is well again"
    note(
        f"{path} hangs for 30 s under {load.RATE} requests a second that need it",
        all_refused=len(refused),
        waiting_at_once=f"{shop.outside.most_held} of {WORKERS * THREADS} threads",
        slowest_refusal=f"{max(seconds for _, seconds in refused):.2f} s",
        others_p99_quiet=f"{load.p99(quiet):.1f} ms",
        others_p99_while_it_answers=f"{load.p99(busy):.1f} ms",
        others_p99_while_it_hangs=f"{load.p99(hanging):.1f} ms",
        times_quiet=f"{load.p99(hanging) / load.p99(quiet):.2f}",
    )
