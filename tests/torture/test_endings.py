"""Single use, and endings that stay final, when many ask at the same moment in several processes."""

from collections import Counter
from collections.abc import Iterator

import pytest

from phonebind import binding, tokens
from phonebind.exceptions import PhonebindError
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from server.users.models import User
from tests.support.edge import OPENID, UNIONID
from tests.support.racers import Racers, racers
from tests.support.torture import scale
from tests.torture.report import Note

APP, OTHER_APP = "101000001", "101000002"
ROUNDS = scale(20, 5)


@pytest.fixture
def owner(transactional_db: None) -> User:
    return User.objects.create_user("ming", mobile="13900000001")


@pytest.fixture
def race(owner: User) -> Iterator[Racers]:
    with racers() as ready:
        yield ready


def refresh(token: str) -> str:
    try:
        return tokens.refresh(token)["refresh"]
    except PhonebindError as error:
        return error.code


def test_threat_46_forty_refreshes_at_once(owner: User, race: Racers, note: Note) -> None:
    answers: Counter[str] = Counter()
    for _ in range(ROUNDS):
        found = race.race(refresh, [(tokens.issue(owner)["refresh"],)] * 40)
        pairs = [answer for answer in found if answer.count(".") == 2]
        assert len(pairs) == 1
        assert refresh(pairs[0]).count(".") == 2, "and the pair that one got works"
        answers.update("pair" if answer in pairs else answer for answer in found)
    told = ", ".join(f"{number} × {answer}" for answer, number in answers.most_common())
    note(f"40 refreshes at once with one token, {ROUNDS} times", answers=told)


def sign_in(openid: str) -> str:
    """The callback's part for a person who is known in another of our apps."""
    account = binding._adopt(Identity("qq", OTHER_APP, openid, UNIONID))
    return "known" if account else "asked"


def unbind(openid: str) -> str:
    for account in SocialAccount.objects.filter(openid=openid):
        binding.unbind(account)
    return "unbound"


def act(what: str, openid: str) -> str:
    try:
        return {"sign_in": sign_in, "unbind": unbind}[what](openid)
    except Exception as error:  # noqa: BLE001 - the error of any database that gives up
        return type(error).__name__


def test_threat_45_unbinding_while_another_app_signs_in(owner: User, race: Racers, note: Note) -> None:
    answers: Counter[str] = Counter()
    for _ in range(ROUNDS):
        SocialAccount.objects.all().delete()
        SocialAccount.objects.create(user=owner, provider="qq", app_id=APP, openid=OPENID, unionid=UNIONID)
        acts = [("unbind", OPENID)] + [("sign_in", f"{number:032}") for number in range(7)]
        answers.update(race.race(act, acts))
        assert not SocialAccount.objects.exists(), "nothing came back"
    told = ", ".join(f"{number} × {answer}" for answer, number in answers.most_common())
    note(f"one unbinds while 7 sign in by another app, {ROUNDS} times", came_back=0, answers=told)
