import json
import re

import pytest

from phonebind_sandbox.codes import CODES, PROFILE_CODES
from phonebind_sandbox.conf import apps
from phonebind_sandbox.people import PEOPLE, Person
from tests.sandbox.client import QQ

APP = apps()["101000001"]
XIAOLAN = PEOPLE["xiaolan"]


def test_me_answers_in_a_wrapper(qq: QQ) -> None:
    response = qq.me(access_token=qq.access_token())
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    expected = f'callback( {{"client_id":"101000001","openid":"{XIAOLAN.openid(APP)}"}} );\n'
    assert response.content.decode() == expected


def test_me_answers_in_json_on_request(qq: QQ) -> None:
    answer = qq.me(access_token=qq.access_token(), fmt="json").json()
    assert answer == {"client_id": "101000001", "openid": XIAOLAN.openid(APP)}


def test_the_unionid_joins_the_apps_of_one_developer() -> None:
    ours, other = QQ(), QQ("101000003", "sandbox-secret-3")
    answers = [app.me(access_token=app.access_token(), unionid="1", fmt="json").json() for app in (ours, other)]
    assert answers[0]["openid"] != answers[1]["openid"]
    assert answers[0]["unionid"] == answers[1]["unionid"] == XIAOLAN.unionid(APP)


def test_the_unionid_needs_a_permission() -> None:
    qq = QQ("101000002", "sandbox-secret-2")
    access_token = qq.access_token()
    assert qq.me(access_token=access_token, unionid="1", fmt="json").json()["error"] == 100048
    assert "openid" in qq.me(access_token=access_token, fmt="json").json()


@pytest.mark.parametrize(("access_token", "code"), [("", 100007), ("NONE", 100016)])
def test_me_needs_a_token(qq: QQ, access_token: str, code: int) -> None:
    assert qq.me(access_token=access_token, fmt="json").json()["error"] == code


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("json", r'\{"client_id".*"\}'),
        ("jsonp", r'callback\( \{"client_id".*"\} \);\n'),
        ("trailing_comma", r'callback\( \{"client_id".*",\} \);\n'),
    ],
)
def test_switch_me_format(qq: QQ, form: str, pattern: str) -> None:
    qq.turn(me_format=form)
    assert re.fullmatch(pattern, qq.me(access_token=qq.access_token()).content.decode())


def test_switch_unionid_in_me(qq: QQ) -> None:
    qq.turn(unionid_in_me=False)
    assert "unionid" not in qq.me(access_token=qq.access_token(), unionid="1", fmt="json").json()


def test_switch_wrong_client_id(qq: QQ) -> None:
    qq.turn(wrong_client_id=True)
    assert qq.me(access_token=qq.access_token(), fmt="json").json()["client_id"] not in {"101000001", ""}


@pytest.mark.parametrize("code", CODES)
def test_switch_me_error(qq: QQ, code: int) -> None:
    qq.turn(me_error=code)
    assert qq.me(fmt="json").json() == {"error": code, "error_description": CODES[code]}


# ---------------------------------------------------------------- get_user_info


def test_the_profile(qq: QQ) -> None:
    response = qq.profile(access_token=qq.access_token(), openid=XIAOLAN.openid(APP))
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    profile = json.loads(response.content)
    assert (profile["ret"], profile["msg"], profile["nickname"], profile["gender"]) == (0, "", "小兰", "女")
    assert profile["figureurl_qq_1"].startswith("http:")
    assert "figureurl_qq_2" in profile


def test_the_profile_says_where_from_and_how_old(qq: QQ) -> None:
    """All of them are strings, and a string is empty if its value is not known."""
    fields = ("province", "city", "year", "constellation")
    for person, expected in [
        ("xiaolan", ["广东", "深圳", "1990", ""]),
        ("sam", ["", "奥克兰", "1978", ""]),
        ("nameless", ["", "", "", ""]),
    ]:
        token = qq.access_token(person=person)
        profile = json.loads(qq.profile(access_token=token, openid=PEOPLE[person].openid(APP)).content)
        assert [profile[name] for name in fields] == expected


@pytest.mark.parametrize("person", PEOPLE.values(), ids=PEOPLE)
def test_every_nickname_arrives_unchanged(qq: QQ, person: Person) -> None:
    response = qq.profile(access_token=qq.access_token(person=person.id), openid=person.openid(APP))
    assert json.loads(response.content)["nickname"] == person.nickname


def test_one_has_no_large_avatar(qq: QQ) -> None:
    response = qq.profile(access_token=qq.access_token(person="liming"), openid=PEOPLE["liming"].openid(APP))
    assert "figureurl_qq_2" not in json.loads(response.content)


@pytest.mark.parametrize(
    ("params", "ret"),
    [
        ({"oauth_consumer_key": "", "access_token": ""}, 100001),
        ({"access_token": "", "openid": ""}, 100007),
        ({"openid": ""}, -1),
        ({"oauth_consumer_key": "999"}, 100008),
        ({"access_token": "NONE"}, 100013),
        ({"oauth_consumer_key": "101000003"}, 100013),
        ({"openid": "SOMEBODY-ELSE"}, -1),
    ],
)
def test_refusals_of_the_profile(qq: QQ, params: dict[str, str], ret: int) -> None:
    good = {"access_token": qq.access_token(), "openid": XIAOLAN.openid(APP)}
    assert json.loads(qq.profile(**good | params).content) == {"ret": ret, "msg": PROFILE_CODES[ret]}


def test_the_profile_needs_the_persons_leave(qq: QQ) -> None:
    access_token = qq.access_token(scope="add_share,list_album")
    assert json.loads(qq.profile(access_token=access_token, openid=XIAOLAN.openid(APP)).content)["ret"] == 100030


@pytest.mark.parametrize("code", PROFILE_CODES)
def test_switch_profile_error(qq: QQ, code: int) -> None:
    qq.turn(profile_error=code)
    assert json.loads(qq.profile().content)["ret"] == code
