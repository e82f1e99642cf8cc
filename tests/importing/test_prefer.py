"""One openid with several users: which user keeps it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from phonebind.models import SocialAccount
from server.users.models import User
from tests.importing.conftest import APP, Run, customer, old

pytestmark = pytest.mark.django_db

DAY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def three() -> list[User]:
    """Three users share an openid: the first since the third day, the second since the first day, the third has no
    day.
    """
    users = [customer(number) for number in (1, 2, 3)]
    old("S1", users[0], DAY + timedelta(days=3))
    old("S1", users[1], DAY + timedelta(days=1))
    old("S1", users[2], None)
    return users


def owner() -> int | None:
    return SocialAccount.objects.values_list("user_id", flat=True).filter(openid="S1").first()


def live(user: User) -> None:
    SocialAccount.objects.create(user=user, provider="qq", app_id=APP, openid="S1")


@pytest.mark.parametrize(("prefer", "place"), [("newest", 0), ("oldest", 2)])
def test_a_rule_decides(prefer: str, place: int, run: Run, three: list[User]) -> None:
    report = run("--commit", "--prefer", prefer)
    assert (run.status, report["counts"]["chosen"], owner()) == (0, 1, three[place].pk)


@pytest.mark.parametrize(("prefer", "place"), [("newest", 2), ("oldest", 0)])
def test_without_days_the_order_of_the_rows_decides(prefer: str, place: int, run: Run, three: list[User]) -> None:
    run("--commit", "--prefer", prefer, "--created-column", "")
    assert (run.status, owner()) == (0, three[place].pk)


@pytest.mark.parametrize("prefer", ["", "newest", "oldest"])
def test_a_binding_that_stands_comes_before_a_rule(prefer: str, run: Run, three: list[User]) -> None:
    live(three[1])
    report = run("--commit", "--prefer", prefer)
    assert (run.status, report["findings"], owner()) == (0, [], three[1].pk)
    assert (report["counts"]["bound_already"], report["counts"]["to_write"]) == (1, 0)


@pytest.mark.parametrize("prefer", ["", "newest"])
def test_a_binding_to_somebody_else_is_told(prefer: str, run: Run, three: list[User]) -> None:
    live(customer(4))
    report = run("--commit", "--prefer", prefer)
    kinds = [finding["kind"] for finding in report["findings"]]
    assert kinds == (["openid_taken"] if prefer else ["openid_shared", "openid_taken"])
    [taken] = report["findings"][-1:]
    assert (run.status, len(taken["users"]), report["counts"]["to_write"]) == (3, 4, 0)


def test_a_file_decides_line_by_line(run: Run, three: list[User], tmp_path: Path) -> None:
    old("Q1", three[0], DAY)
    old("q1", three[0], DAY)
    choices = tmp_path / "choices.csv"
    choices.write_text(f"\ufeffopenid,user_id\r\nS1, {three[1].pk}\n\nQ1,{three[0].pk}\n")
    report = run("--commit", "--prefer", str(choices))
    assert (run.status, report["findings"], owner()) == (0, [], three[1].pk)
    # The option also chooses between two spellings of one openid.
    assert list(SocialAccount.objects.order_by("openid").values_list("openid", flat=True)) == ["Q1", "S1"]


def test_a_file_does_not_move_a_binding(run: Run, three: list[User], tmp_path: Path) -> None:
    live(three[0])
    choices = tmp_path / "choices.csv"
    choices.write_text(f"S1,{three[1].pk}\n")
    report = run("--commit", "--prefer", str(choices))
    assert ([finding["kind"] for finding in report["findings"]], owner()) == (["openid_taken"], three[0].pk)


def test_each_line_of_a_file_is_checked(run: Run, three: list[User], tmp_path: Path) -> None:
    stranger = customer(4)
    old("P1 ", stranger, DAY)
    old("G1", 987_654_321, DAY)
    wrong = ["S1", f"S1,{three[0].pk}", f"S1,{three[1].pk}", f"S1,{stranger.pk}", "S1,nobody"]
    wrong += [f"P1 ,{stranger.pk}", "G1,987654321", "S1,1,2", f"s1,{three[0].pk}"]
    choices = tmp_path / "choices.csv"
    choices.write_text("\n".join(wrong))
    assert run("--commit", "--prefer", str(choices)) == {}
    assert (run.status, SocialAccount.objects.count()) == (1, 0)
    assert [line.partition(":")[0] for line in run.error.splitlines()] == [
        f"Line {n}" for n in (1, 3, 4, 5, 6, 7, 8, 9)
    ]
    assert list(tmp_path.glob("*.part")) == []


def test_a_file_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    assert run("--prefer", str(tmp_path / "nowhere.csv")) == {}
    assert "nowhere.csv" in run.error
    (tmp_path / "gbk.csv").write_bytes("小明,1".encode("gbk"))
    assert run("--prefer", str(tmp_path / "gbk.csv")) == {}
    assert run.error.startswith("--prefer is neither newest nor oldest")
