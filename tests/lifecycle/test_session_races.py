"""Real races for one session: threads and processes with separate connections, and processes that die."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from phonebind import binding, revocation, tokens
from phonebind.exceptions import PhonebindError
from phonebind.lifecycle import sessions
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE
from tests.support.racers import Racers, crash, racers

#: Turns in one chain. 2,000 turns take eight seconds, and show no more.
MANY = 400

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def pool(django_db_setup: None) -> Iterator[Racers]:
    """Two processes in addition to this one."""
    with racers() as ready:
        yield ready


def refresh(token: str, times: int = 1) -> list[str]:
    """Refresh the token that many times. Returns each refresh token, or the code of the error."""
    got = []
    for _ in range(times):
        try:
            got.append(tokens.refresh(token)["refresh"])
        except PhonebindError as error:
            got.append(error.code)
    return got


def act(name: str, token: str) -> str:
    """One of the racing acts: a refresh, or an act that ends the session meanwhile."""
    model: Any = get_user_model()
    user = model.objects.get(username=MOBILE)
    if name == "refresh":
        return refresh(token)[0]
    if name == "revoke":
        revocation.revoke(user.pk)
    elif name == "password":
        user.set_password("another-horse-9")
        user.save()
    else:
        binding.unbind(SocialAccount.objects.get(user=user))
    return name


def test_threat_35_of_a_thousand_refreshes_at_once_there_is_one_successor(pool: Racers, person: Any) -> None:
    with time_machine.travel(time.time() - 60, tick=True):
        # Old enough for the clock of the late requests below.
        old = tokens.issue(person)["refresh"]
    got = Counter(chain.from_iterable(pool.race(refresh, [(old, 50)] * 20)))
    assert len(got) == 1
    (successor,) = got
    assert successor.count(".") == 2
    assert got[successor] == 1_000
    assert Session.objects.get().seq == 1
    with time_machine.travel(time.time() + 21, tick=True):
        assert refresh(old) == ["session_ended"]
        assert refresh(successor) == ["session_ended"]
    assert Session.objects.get().end_reason == "reuse"


@pytest.mark.parametrize("end", ["revoke", "password", "unbind"])
def test_threat_29_what_is_refreshed_while_it_is_ended_is_over(pool: Racers, person: Any, end: str) -> None:
    account = SocialAccount.objects.create(user=person, provider="qq", app_id="101000001", openid="1" * 32)
    for _ in range(3):
        account.save(force_insert=not SocialAccount.objects.exists())
        token = tokens.issue(person, social_account=account)["refresh"]
        got = pool.race(act, [("refresh", token)] * 6 + [(end, token)] + [("refresh", token)] * 6)
        # Each pair that was issued before the end is invalid too.
        for each in got:
            assert each.count(".") == 2 or each in (end, "session_ended")
            if each.count(".") == 2:
                assert refresh(each) == ["session_ended"]


def test_a_chain_that_is_older_makes_one_session_of_two_at_once(pool: Racers, person: Any) -> None:
    from rest_framework_simplejwt.tokens import RefreshToken  # noqa: PLC0415

    token = str(RefreshToken.for_user(person))
    got = Counter(each.count(".") for each in chain.from_iterable(pool.race(refresh, [(token,)] * 12)))
    assert got == {2: 1, 0: 11}
    assert Session.objects.count() == 1


def die_after_the_turn(token: str) -> None:
    """The row is turned, and the client gets no answer."""
    turn = sessions.turn

    def last(*args: Any) -> Any:
        turn(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    sessions.turn = last  # type: ignore[assignment]
    tokens.refresh(token)


def die_before_the_commit(username: str) -> None:
    """A new password is written, and all sessions are ended, but nothing is committed."""
    post_save.connect(lambda **kwargs: os.kill(os.getpid(), signal.SIGKILL), weak=False)
    user: Any = get_user_model().objects.get(username=username)
    user.set_password("another-horse-9")
    with transaction.atomic():
        user.save()


def test_an_answer_that_was_lost_with_its_process_is_given_again(person: Any) -> None:
    token = tokens.issue(person)["refresh"]
    assert crash(die_after_the_turn, token) == -signal.SIGKILL
    assert Session.objects.get().seq == 1
    (successor,) = refresh(token)
    assert refresh(successor)[0].count(".") == 2


def test_a_password_that_was_never_saved_ends_no_row(person: Any) -> None:
    token = tokens.issue(person)["refresh"]
    assert crash(die_before_the_commit, MOBILE) == -signal.SIGKILL
    assert refresh(token)[0].count(".") == 2


def test_many_refreshes_leave_one_row_and_are_all_as_short(person: Any) -> None:
    token = tokens.issue(person)["refresh"]
    (token,) = refresh(token)
    counts = set()
    for number in range(MANY):
        if number % (MANY // 4):
            (token,) = refresh(token)
            continue
        with CaptureQueriesContext(connection) as seen:
            (token,) = refresh(token)
        counts.add(len(seen))
    assert counts == {2}, "the user, and the turn"
    assert Session.objects.count() == 1
