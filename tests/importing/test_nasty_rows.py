"""A table with every possible fault at once; the whole report, and what is written.

On MariaDB the source's collation treats A and a as equal, and an openid with and without a blank at the end.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from phonebind.models import SocialAccount
from server.users.models import User
from tests.importing.conftest import APP, Run, customer, execute, old

pytestmark = pytest.mark.django_db

#: The first row is from this day, the second from the next day.
DAY = datetime(2020, 1, 1, tzinfo=UTC)
GONE = 987_654_321


@pytest.fixture
def people() -> dict[str, User]:
    fields: dict[str, dict[str, Any]] = {
        "ann": {},
        "bob": {"is_active": False},
        "cat": {"mobile": None},
        "not bound": {"mobile": None},
        "eve": {"mobile": "12345"},
        "fay": {"mobile": "13811111111"},
        "gus": {"mobile": "+8613811111111"},
        "hal": {"username": "13800000001"},
        "ivy": {"mobile": ""},
        "jon": {"last_login": DAY + timedelta(days=99)},
        "kim": {},
        "mia": {},
        "named by their own mobile": {"username": "13800000013"},
    }
    return {
        name: customer(number, date_joined=DAY, **own) for number, (name, own) in enumerate(fields.items(), start=1)
    }


@pytest.fixture
def _rows(people: dict[str, User]) -> None:
    rows: list[tuple[str | None, str]] = [
        ("A1", "ann"),
        ("A1", "ann"),
        ("B1", "bob"),
        ("C1", "cat"),
        ("", "ann"),
        (None, "ann"),
        ("   ", "ann"),
        (" P1", "ann"),
        ("P2 ", "eve"),
        ("Q1", "ann"),
        ("q1", "ann"),
        ("R1", "ann"),
        ("R1 ", "eve"),
        ("Ａ1", "ann"),
        ("X" * 256, "ann"),
        ("in ner", "ann"),
        ("G1", "gone"),
        ("S1", "jon"),
        ("S1", "kim"),
        ("S1", "kim"),
        ("T1", "ann"),
        ("U1", "mia"),
        ("G2", ""),
        ("E1", "eve"),
    ]
    for number, (openid, name) in enumerate(rows):
        user = people.get(name, GONE) if name else None
        old(openid, user, DAY + timedelta(days=number))
    for openid in ("T1", "U1"):
        mine = {"provider": "qq", "app_id": APP, "openid": openid}
        SocialAccount.objects.create(user=people["mia"], **mine)


def named(report: dict[str, Any], people: dict[str, User]) -> list[Any]:
    """The findings, with names instead of keys. Rows have numbers: each database continues the count of the test
    before.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tb_oauth_qq ORDER BY id")
        rows = {str(key): number for number, [key] in enumerate(cursor.fetchall())}
    names = {str(user.pk): name for name, user in people.items()}
    told: list[Any] = []
    for finding in report["findings"]:
        users = [
            {**user, "user": names.get(user["user"], user["user"])}
            | ({"row": rows[user["row"]]} if "row" in user else {})
            for user in finding["users"]
        ]
        told.append({**finding, "users": users})
    return told


def user(name: str, **more: Any) -> dict[str, Any]:
    """A user in the form of a finding."""
    login = (DAY + timedelta(days=99)).isoformat() if name == "jon" else None
    return {"user": name, "is_active": name != "bob", "last_login": login, "date_joined": DAY.isoformat()} | more


def row(number: int, name: str, **more: Any) -> dict[str, Any]:
    """The row of that day in the form of a finding."""
    return more | {"row": number} | user(name, bound_at=day(number))


def claim(name: str, first: int, last: int, rows: int) -> dict[str, Any]:
    return user(name, bound_at=day(first), bound_last=day(last), rows=rows)


def day(number: int) -> str:
    return (DAY + timedelta(days=number)).isoformat()


def finding(kind: str, *users: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": kind, "users": list(users)} | more


FINDINGS = [
    finding("openid_empty", row(4, "ann"), openid=""),
    finding("openid_empty", row(5, "ann"), openid=""),
    finding("openid_empty", row(6, "ann"), openid="   "),
    finding("openid_malformed", row(13, "ann"), openid="Ａ1"),
    finding("openid_malformed", row(14, "ann"), openid="X" * 256),
    finding("openid_malformed", row(15, "ann"), openid="in ner"),
    finding("openid_padded", row(7, "ann"), openid=" P1"),
    finding("openid_padded", row(8, "eve"), openid="P2 "),
    finding("openid_padded", row(12, "eve"), openid="R1 "),
    finding("openid_spelled_twice", row(9, "ann", openid="Q1"), row(10, "ann", openid="q1")),
    finding("openid_spelled_twice", row(11, "ann", openid="R1"), row(12, "eve", openid="R1 ")),
    finding("openid_shared", claim("jon", 17, 17, 1), claim("kim", 18, 19, 2), openid="S1"),
    finding("openid_taken", user("mia"), claim("ann", 20, 20, 1), openid="T1"),
    finding("user_gone", {"row": 16, "user": str(GONE), "bound_at": day(16)}, openid="G1"),
    finding("user_gone", {"row": 22, "user": None, "bound_at": day(22)}, openid="G2"),
    finding("mobile_missing", user("cat")),
    finding("mobile_missing", user("ivy")),
    finding("mobile_malformed", user("eve")),
    finding("mobile_malformed", user("gus"), mobile="138****1111"),
    finding("mobile_doubled", user("fay"), user("gus"), mobile="138****1111"),
    finding("username_is_mobile", user("hal"), user("ann"), mobile="138****0001"),
    finding("user_disabled", user("bob"), mobile="138****0002"),
]


@pytest.mark.usefixtures("_rows")
def test_all_of_it_is_told_at_once_and_written_around(run: Run, people: dict[str, User]) -> None:
    report = run("--commit")
    assert named(report, people) == FINDINGS
    assert report["counts"] == {
        "rows": 24,
        "merged": 2,
        "chosen": 0,
        "bound_already": 1,
        "to_write": 4,
        "written": 4,
    }
    assert (run.status, report["unresolved"]) == (3, len(FINDINGS) - 1)
    about = {"run": "import", "source": "tb_oauth_qq (default)", "provider": "qq", "app_id": APP, "commit": True}
    assert {name: report[name] for name in about} == about
    assert set(report) == {*about, "made_at", "findings", "counts", "kinds", "unresolved"}
    assert report["kinds"]["openid_empty"] == {
        "found": 3,
        "bears_on": "row",
        "accepted": False,
        "unresolved": True,
    }
    found = {name: kind["found"] for name, kind in report["kinds"].items()}
    assert found == {kind: [finding["kind"] for finding in FINDINGS].count(kind) for kind in found}
    owners = SocialAccount.objects.order_by("openid").values_list("openid", "user_id")
    expected = {"A1": "ann", "B1": "bob", "C1": "cat", "E1": "eve", "T1": "mia", "U1": "mia"}
    assert list(owners) == [(openid, people[name].pk) for openid, name in expected.items()]


@pytest.mark.usefixtures("_rows")
def test_a_dry_run_says_the_same_and_no_mobile_is_said(run: Run, people: dict[str, User]) -> None:
    report = run()
    assert named(report, people) == FINDINGS
    said = run.said + str(report)
    assert SocialAccount.objects.count() == 2
    whole = [user.mobile for user in people.values() if user.mobile and len(user.mobile) > 5]
    assert [mobile for mobile in whole if mobile in said] == []
    # One line for each kind, and one for each finding.
    assert [line for line in run.said.splitlines() if line.startswith("  ")][9].count("'Q1'") == 1
    assert run.said.count("\n  ") == len(FINDINGS)


@pytest.mark.usefixtures("_rows")
def test_what_is_accepted_is_told_and_not_counted(run: Run) -> None:
    kinds = {finding["kind"] for finding in FINDINGS} - {"user_disabled"}
    accepted = [option for kind in kinds for option in ("--accept", kind)]
    report = run("--commit", *accepted)
    assert (run.status, report["unresolved"], len(report["findings"])) == (0, 0, len(FINDINGS))
    assert report["kinds"]["openid_shared"] == {
        "found": 1,
        "bears_on": "row",
        "accepted": True,
        "unresolved": False,
    }
    # The row of an accepted finding is still not written.
    assert not SocialAccount.objects.filter(openid__in=["S1", "Q1", "P1"]).exists()


def test_what_is_mended_is_brought_by_the_next_run(run: Run, people: dict[str, User]) -> None:
    old("P2 ", people["ann"], DAY)
    old("Q1", people["ann"], DAY)
    old("q1", people["ann"], DAY)
    run("--commit", "--accept", "mobile_missing")
    assert SocialAccount.objects.count() == 0
    execute("DELETE FROM tb_oauth_qq WHERE id = (SELECT last FROM (SELECT MAX(id) AS last FROM tb_oauth_qq) AS q1)")
    execute("UPDATE tb_oauth_qq SET openid = TRIM(openid)")
    run("--commit")
    assert sorted(SocialAccount.objects.values_list("openid", flat=True)) == ["P2", "Q1"]


#: Values of a number column that are no whole numbers. PostgreSQL and MariaDB have no such value in an integer column.
NO_KEY = {"sqlite": [1.5, float("inf"), "9e999"]}
#: Times that the database can store, and Python cannot, or cannot in every time zone.
NO_MOMENT = {
    "sqlite": ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "2020-13-01 00:00:00", "0000-00-00", "soon"],
    "postgresql": [
        "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59+00",
        "infinity",
        "-infinity",
        "20000-01-01",
        "0044-03-15 BC",
    ],
    "mysql": ["0001-01-01 00:00:00", "9999-12-31 23:59:59"],
}


@pytest.mark.parametrize("key", NO_KEY.get(connection.vendor, []))
def test_a_key_that_is_no_whole_number_is_nobodys(run: Run, key: float | str) -> None:
    customer(1, pk=1)
    execute("INSERT INTO tb_oauth_qq (openid, user_id) VALUES ('A1', %s)", key)
    [finding] = run("--commit")["findings"]
    assert finding["kind"] == "user_gone"
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("made", NO_MOMENT[connection.vendor])
def test_a_moment_that_python_does_not_know_is_none(run: Run, made: str) -> None:
    old("A1", customer(1), made)
    old("A2", customer(2), DAY)
    report = run("--commit")
    assert (run.status, report["counts"]["written"]) == (0, 2)
    known = dict(SocialAccount.objects.values_list("openid", "created_at"))
    assert known == {"A1": datetime.fromisoformat(report["made_at"]), "A2": DAY}
    assert run("--reverse", "--commit", "--made-at", report["made_at"])["counts"]["removed"] == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the others refuse it")
def test_an_openid_that_is_not_utf_8_is_told(run: Run) -> None:
    customer(1, pk=1)
    execute("INSERT INTO tb_oauth_qq (openid, user_id) VALUES (CAST(X'41ff' AS TEXT), 1)")
    [finding] = run("--commit")["findings"]
    assert (finding["kind"], finding["openid"]) == ("openid_malformed", "A\ufffd")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the others refuse it")
def test_what_the_database_cannot_tell_ends_the_run_in_its_words(run: Run) -> None:
    execute("INSERT INTO tb_oauth_qq (openid, user_id) VALUES ('A1', CAST(X'41ff' AS TEXT))")
    assert run("--commit") == {}
    assert (run.status, "user_id" in run.error) == (1, True)
