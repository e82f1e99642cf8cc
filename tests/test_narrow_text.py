"""Databases that cannot store some characters: MariaDB's and MySQL's utf8mb3, and older character sets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection

from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import Person, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
ON_MARIADB = pytest.mark.skipif(connection.vendor != "mysql", reason="MariaDB's")


def bind(person: Person) -> Any:
    ticket = person.callback().json()["access_token"]
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE), "access_token": ticket}
    return person.bind(**form)


def sign_in(person: Person, username: str) -> Any:
    return person.http.post("/authorizations/", {"username": username, "password": PASSWORD})


def both_go_well(person: Person, qq: Upstream, sent: str, kept: str) -> None:
    """No nickname prevents a sign-in, and a name that cannot be looked up belongs to no account."""
    qq.person(nickname=sent)
    answer = bind(person)
    assert (answer.status_code, SocialAccount.objects.get().nickname) == (201, kept)
    assert sign_in(person, "小🦊").json()["code"] == "credentials_invalid"
    assert sign_in(person, MOBILE).status_code == 200


# ---------------------------------------------------------------- the errors of the drivers


@contextmanager
def refuses(is_refused: Callable[[str], bool], error: Exception) -> Iterator[None]:
    """The connection refuses some text with this error."""

    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(isinstance(value, str) and is_refused(value) for value in params or ()):
            raise error
        return call(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.mark.parametrize(
    "error",
    [
        DataError(1366, "Incorrect string value: '\\xF0\\x9F\\xA6\\x8A' for column `nickname` at row 1"),
        OperationalError(1366, "the same by mysqlclient"),
        OperationalError(1267, "Illegal mix of collations"),
        UnicodeEncodeError("gbk", "🦊", 0, 1, "illegal multibyte sequence"),
    ],
)
@pytest.mark.parametrize(("sent", "kept"), [("小🦊", "小"), ("🦊", ""), ("小明", "小明")])
def test_an_emoji_keeps_nobody_out(person: Person, qq: Upstream, error: Exception, sent: str, kept: str) -> None:
    with refuses(lambda text: "🦊" in text, error):
        both_go_well(person, qq, sent, kept)


def test_nor_does_a_whole_script(person: Person, qq: Upstream) -> None:
    error = UnicodeEncodeError("latin-1", "小", 0, 1, "ordinal not in range(256)")
    with refuses(lambda text: not text.isascii(), error):
        both_go_well(person, qq, "小🦊", "")


def test_a_text_of_the_hosts_is_the_hosts_error(person: Person, qq: Upstream) -> None:
    person.http.raise_request_exception = False
    with refuses(lambda text: text == MOBILE, DataError(1406, "Data too long for column 'mobile'")):
        assert bind(person).status_code == 500
    assert not User.objects.exists()


def test_a_database_that_is_down_is_no_unknown_name(person: Person, qq: Upstream) -> None:
    with refuses(lambda text: True, OperationalError()):
        assert sign_in(person, "ming").json()["code"] == "storage_unavailable"


# ---------------------------------------------------------------- on MariaDB itself


@pytest.fixture(params=["utf8mb3", "gbk", "latin1"])
def _charset(request: pytest.FixtureRequest) -> Iterator[None]:
    """The character set of the connection, independent of that of the tables."""
    options = connection.settings_dict["OPTIONS"]
    kept = options["charset"]
    connection.close()
    options["charset"] = request.param
    yield
    connection.close()
    options["charset"] = kept


@pytest.fixture
def _users_in_utf8mb3() -> Iterator[None]:
    """The table of an old shop."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE users_user CONVERT TO CHARACTER SET utf8mb3")
        yield
        cursor.execute("ALTER TABLE users_user CONVERT TO CHARACTER SET utf8mb4")


@ON_MARIADB
@pytest.mark.usefixtures("_charset")
def test_over_a_connection_without_room(request: pytest.FixtureRequest, person: Person, qq: Upstream) -> None:
    latin = "latin1" in request.node.callspec.id
    both_go_well(person, qq, "小🦊", "" if latin else "小")


@ON_MARIADB
@pytest.mark.usefixtures("_users_in_utf8mb3")
def test_our_own_table_has_room_where_the_hosts_has_none(person: Person, qq: Upstream) -> None:
    both_go_well(person, qq, "小🦊", "小🦊")


@ON_MARIADB
def test_a_database_that_was_made_in_utf8mb3() -> None:
    """``migrate`` creates our columns with the right character set there."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE narrow CHARACTER SET utf8mb3")
        try:
            cursor.execute("USE narrow")
            with connection.schema_editor() as editor:
                editor.create_model(SocialAccount)
                editor.deferred_sql.clear()  # without the foreign key: the users' table is not there
            columns = "(user_id, provider, app_id, openid, nickname, created_at, updated_at)"
            values = "(1, 'qq', '1', %s, '小🦊', now(), now())"
            cursor.execute(f"INSERT INTO phonebind_socialaccount {columns} VALUES {values}, {values}", ["a", "A"])  # noqa: S608
            cursor.execute("SELECT nickname FROM phonebind_socialaccount WHERE openid = 'A'")
            assert cursor.fetchall() == (("小🦊",),)
        finally:
            cursor.execute("DROP DATABASE narrow")
            cursor.execute(f"USE {connection.settings_dict['NAME']}")
