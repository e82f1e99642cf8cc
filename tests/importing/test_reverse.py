"""The reverse removes the bindings that an import has made, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from phonebind.models import SocialAccount
from tests.importing.conftest import APP, Run, customer, execute, old

pytestmark = pytest.mark.django_db

DAY = datetime(2020, 1, 1, 2, 3, 4, 567890, tzinfo=UTC)


def openids() -> list[str]:
    return sorted(SocialAccount.objects.values_list("openid", flat=True))


def live(openid: str, number: int, app_id: str = APP, **fields: object) -> None:
    user = customer(number)
    SocialAccount.objects.create(user=user, provider="qq", app_id=app_id, openid=openid, **fields)


def test_what_live_sign_ins_have_bound_stays(run: Run) -> None:
    for number in range(1, 6):
        old(f"A{number}", customer(number), DAY + timedelta(days=number))
    # Bound before the import: an openid of the source; and the same user's openid in another app.
    user = customer(6)
    old("B1", user, DAY)
    SocialAccount.objects.create(user=user, provider="qq", app_id=APP, openid="B1")
    SocialAccount.objects.create(user=user, provider="qq", app_id="another", openid="A1")
    run("--commit")
    live("C1", 7)
    # Unbound after the import, and bound again.
    again = SocialAccount.objects.get(openid="A5", app_id=APP)
    again.delete()
    again.pk = None
    again.save(force_insert=True)
    assert run("--reverse")["counts"] == {"to_remove": 4, "removed": 0}
    assert len(openids()) == 8
    assert run("--reverse", "--commit", "--batch", "3")["counts"] == {"to_remove": 4, "removed": 4}
    assert (run.status, openids()) == (0, ["A1", "A5", "B1", "C1"])
    assert run("--commit")["counts"]["written"] == 4


def test_what_has_signed_in_since_is_still_the_imports(run: Run) -> None:
    old("A1", customer(1), DAY)
    old("A1", SocialAccount.objects.count() or customer(2), DAY)
    execute("DELETE FROM tb_oauth_qq WHERE user_id <> (SELECT MIN(id) FROM users_user)")
    run("--commit")
    SocialAccount.objects.update(unionid="UID_1")
    run("--reverse", "--commit")
    assert openids() == []


def test_rows_without_a_day_carry_the_moment_of_their_run(run: Run) -> None:
    old("A1", customer(1), None)
    old("A2", customer(2), DAY)
    made_at = run("--commit")["made_at"]
    assert SocialAccount.objects.get(openid="A1").created_at == datetime.fromisoformat(made_at)
    old("A3", customer(3), None)
    later = run("--commit")["made_at"]
    live("A4", 4)
    assert run("--reverse")["counts"]["to_remove"] == 1
    assert run("--reverse", "--commit", "--made-at", made_at, "--made-at", later)["counts"]["removed"] == 3
    assert openids() == ["A4"]


def test_a_table_without_days(run: Run) -> None:
    old("A1", customer(1), DAY)
    made_at = run("--commit", "--created-column", "")["made_at"]
    assert SocialAccount.objects.get().created_at > DAY + timedelta(days=99)
    assert run("--reverse", "--commit", "--created-column", "") == {}
    assert (run.status, "--made-at" in run.error, openids()) == (1, True, ["A1"])
    run("--reverse", "--commit", "--created-column", "", "--made-at", made_at)
    assert openids() == []


@pytest.mark.parametrize(
    "options",
    [["--made-at", "2020-01-01"], ["--reverse", "--prefer", "newest"], ["--reverse", "--accept", "user_gone"]],
)
def test_what_does_not_go_together(run: Run, options: list[str]) -> None:
    assert run(*options) == {}
    assert (run.status, run.error.startswith("--")) == (1, True)
