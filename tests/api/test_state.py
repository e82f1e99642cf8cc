"""Threats 1 and 2 by requests: a sign-in continues only in the browser that began it."""

import json
import re
from datetime import timedelta
from urllib.parse import quote_plus

import pytest
import time_machine
from django.core import signing

from phonebind import states, tickets
from tests.support.edge import OPENID, Configure, Person, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("qq")]

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
LATER = timedelta(seconds=tickets.MAX_AGE + 1)


@pytest.fixture
def stranger() -> Person:
    """Another browser."""
    return Person()


@pytest.fixture
def over_https(person: Person, phonebind: Configure) -> Person:
    phonebind.settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    person.http.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    return person


def cookies(person: Person, kind: str) -> list[str]:
    """The names of the cookies of this kind in the browser."""
    return [name for name, cookie in person.http.cookies.items() if f"phonebind_{kind}_" in name and cookie.value]


def ticket_of(person: Person) -> str:
    return str(person.callback().json()["access_token"])


def bind(person: Person, ticket: str) -> str:
    """The error code, or "" for success."""
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE)}
    return str(person.bind(**form, access_token=ticket).json().get("code", ""))


def refused(person: Person, state: str) -> bool:
    return bool(person.callback(state).json().get("code") == "state_invalid")


# ---------------------------------------------------------------- the state


def test_threat_1_a_state_of_another_browser_is_refused(qq: Upstream, person: Person, stranger: Person) -> None:
    """The victim follows the attacker's state and code. It would sign the victim in as the attacker."""
    state = stranger.login_url()["state"]
    assert refused(person, state)
    person.login_url()
    assert refused(person, state)
    assert qq.requests == [], "its code is not even looked at"


def test_threat_1_a_state_serves_once(qq: Upstream, person: Person) -> None:
    state = person.login_url()["state"]
    assert person.callback(state).status_code == 200
    qq.requests.clear()
    assert refused(person, state)
    assert qq.requests == []


def test_threat_1_the_state_of_a_returning_person_serves_once_too(person: Person) -> None:
    assert bind(person, ticket_of(person)) == ""
    state = person.login_url()["state"]
    assert person.callback(state).json()["username"] == MOBILE
    assert refused(person, state)
    assert cookies(person, "flow") == []


def test_threat_1_a_state_lives_ten_minutes(person: Person) -> None:
    state = person.login_url()["state"]
    with time_machine.travel(LATER):
        assert refused(person, state)
    with time_machine.travel(timedelta(seconds=tickets.MAX_AGE - 5)):
        assert person.callback(state).status_code == 200


def test_threat_1_a_state_may_be_missing_forged_or_of_another_make(person: Person, phonebind: Configure) -> None:
    good = person.login_url()["state"]
    [name] = cookies(person, "flow")
    value = person.http.cookies[name].value
    assert person.http.get("/oauth/qq/user/", {"code": "C"}).json()["code"] == "state_invalid"
    for forged in ("x", "0" * 32, good.upper(), f"{good}0", good[:-1], value, ticket_of(person)):
        assert refused(person, forged), forged
    salt = f"{states.SALT}:qq:101000001:{good}"
    payload = signing.loads(value, salt=salt)
    for made in (
        value[:-1] + ("A" if value[-1] != "A" else "B"),
        signing.dumps(payload, salt=states.SALT),
        signing.dumps(payload, salt=salt, key="guessed"),
        signing.dumps(payload, salt=f"{states.SALT}:weibo:101000001:{good}"),
        signing.dumps(payload, salt=f"{states.SALT}:qq:101000002:{good}"),
        signing.dumps(payload, salt=f"{states.SALT}:qq:101000001:{'0' * 32}"),
        signing.dumps(payload, salt=tickets.SALT),
    ):
        person.http.cookies[name] = made
        assert refused(person, good), made
    person.http.cookies[name] = value
    assert person.callback(good).status_code == 200


def test_threat_1_a_state_of_the_app_before_is_refused(person: Person, phonebind: Configure) -> None:
    state = person.login_url()["state"]
    phonebind(providers={"client_id": "101000002"})
    assert refused(person, state)


def test_threat_1_the_cookie_of_another_tab_does_not_do(person: Person) -> None:
    first, second = person.login_url()["state"], person.login_url()["state"]
    one, two = cookies(person, "flow")
    jar = person.http.cookies
    jar[one], jar[two] = jar[two].value, jar[one].value
    assert refused(person, first)
    assert refused(person, second)


@pytest.mark.parametrize("value", ["", "x", "é", "x" * 5000, '"'])
def test_threat_1_a_made_up_cookie_does_not_do(person: Person, value: str) -> None:
    state = person.login_url()["state"]
    person.http.cookies[cookies(person, "flow")[0]] = value
    assert refused(person, state)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_several_tabs_sign_in_at_once(person: Person, order: tuple[int, ...]) -> None:
    states = [person.login_url(f"/{tab}")["state"] for tab in range(3)]
    for tab in order:
        assert person.callback(states[tab]).json()["next"] == f"/{tab}"


def test_a_refused_code_leaves_the_way_open(qq: Upstream, person: Person) -> None:
    state = person.login_url()["state"]
    qq.answer("/oauth2.0/token", b"garbage")
    assert person.callback(state).status_code == 503
    qq.person()
    assert person.callback(state).status_code == 200


def test_threat_1_an_error_in_place_of_a_code_needs_a_state_too(
    person: Person, stranger: Person, caplog: pytest.LogCaptureFixture
) -> None:
    for state in ("", "forged", stranger.login_url()["state"]):
        answer = person.http.get("/oauth/qq/user/", {"error": "100008", "state": state})
        assert answer.json()["code"] == "state_invalid"
    assert person.http.get("/oauth/qq/user/", {"error": "100008"}).json()["code"] == "state_invalid"
    assert not [record for record in caplog.records if record.name.startswith("phonebind.oauth")]


@pytest.mark.parametrize(
    ("error", "code", "logged"),
    [
        ("100030", "code_invalid", []),
        ("access_denied", "code_invalid", []),
        ("100008", "provider_unavailable", ["WARNING"]),
        ("100010", "provider_unavailable", ["WARNING"]),
    ],
)
def test_an_error_in_place_of_a_code(
    qq: Upstream, person: Person, caplog: pytest.LogCaptureFixture, error: str, code: str, logged: list[str]
) -> None:
    state = person.login_url()["state"]
    answer = person.http.get("/oauth/qq/user/", {"error": error, "state": state})
    assert answer.json()["code"] == code
    assert [record.levelname for record in caplog.records if record.name.startswith("phonebind.oauth")] == logged
    assert qq.requests == []
    assert person.callback(state).status_code == 200, "the state stays good"


@pytest.mark.parametrize("query", [{}, {"state": ""}, {"code": ""}, {"error": ""}, {"error": "x" * 65}])
def test_there_must_be_something(person: Person, query: dict[str, str]) -> None:
    answer = person.http.get("/oauth/qq/user/", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == ["error" if query.get("error") else "code"]


@pytest.mark.parametrize("query", [{}, {"usercancel": "1"}, {"code": ""}, {"error": ""}])
def test_neither_code_nor_error_is_a_cancel(qq: Upstream, person: Person, query: dict[str, str]) -> None:
    """QQ's page for phones sends this, and older pages do."""
    state = person.login_url()["state"]
    answer = person.http.get("/oauth/qq/user/", {"state": state, **query}, headers={"accept-language": "zh-CN"})
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_cancelled")
    assert answer.json()["message"] == "您已取消登录，账号没有任何变化"
    assert qq.requests == []
    assert person.callback(state).status_code == 200, "the state stays good"


def test_a_code_is_no_cancel_whatever_stands_beside_it(person: Person) -> None:
    query = {"code": "CODE", "usercancel": "1", "state": person.login_url()["state"]}
    assert person.http.get("/oauth/qq/user/", query).status_code == 200


def test_threat_1_a_cancel_needs_a_state_too(person: Person, stranger: Person) -> None:
    for state in ({}, {"state": "forged"}, {"state": stranger.login_url()["state"]}):
        answer = person.http.get("/oauth/qq/user/", {"usercancel": "1", **state})
        assert answer.json()["code"] == "state_invalid"


def test_front_ends_of_old_are_told_of_a_cancel(person: Person, phonebind: Configure) -> None:
    phonebind(legacy_state=True)
    answer = person.http.get("/oauth/qq/user/", {"usercancel": "1", "state": "/cart.html"})
    assert (answer.status_code, answer.json()["code"]) == (400, "sign_in_cancelled")


def test_an_empty_error_is_none(person: Person) -> None:
    query = {"code": "CODE", "error": "", "state": person.login_url()["state"]}
    assert person.http.get("/oauth/qq/user/", query).status_code == 200


def test_what_was_begun_and_left_is_dropped_oldest_first(person: Person) -> None:
    """Browsers send the oldest cookie first. The test client sorts cookies by name."""
    begun = [f"phonebind_flow_{n}" for n in range(tickets.MAX_OPEN + 1)]
    header = "; ".join(f"{name}=x" for name in ["csrftoken", *begun, "phonebind_ticket_0"])
    answer = person.http.get("/oauth/qq/authorization/", headers={"Cookie": header})
    assert [name for name, cookie in answer.cookies.items() if not cookie.value] == begun[1::-1]


def test_the_longest_next_comes_back(person: Person) -> None:
    """A query of 720 characters that cannot be compressed. The state is still as short as any other."""
    target = "/" + "".join(chr(0x4E00 + 97 * n % 20_000) for n in range(79)) + "aa"
    assert len(quote_plus(target)) == 716
    query = person.login_url(target)
    assert re.fullmatch("[0-9a-f]{32}", query["state"])
    answer = person.callback(query["state"]).json()
    assert answer["next"] == target
    assert bind(person, answer["access_token"]) == ""
    too_long = person.http.get("/oauth/qq/authorization/", {"next": target + "xxxxx"})
    assert too_long.json()["code"] == "next_not_allowed"


# ---------------------------------------------------------------- the ticket


def test_threat_2_a_ticket_of_another_browser_is_refused(person: Person, stranger: Person) -> None:
    ticket = ticket_of(person)
    assert bind(stranger, ticket) == "ticket_invalid"


def test_threat_2_a_ticket_lives_ten_minutes(person: Person) -> None:
    ticket = ticket_of(person)
    with time_machine.travel(LATER):
        assert bind(person, ticket) == "ticket_invalid"


def test_threat_2_a_ticket_may_be_forged_or_of_another_make(person: Person, phonebind: Configure) -> None:
    good = ticket_of(person)
    payload = signing.loads(good, salt=tickets.SALT)
    often = ("sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day", "sms_mobile_open_hour", "sms_mobile_open_day")
    phonebind(limits=dict.fromkeys(often, (99, 60)))
    for forged in (
        "x",
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        person.login_url()["state"],
        signing.dumps(payload, salt=states.OLD_SALT),
        signing.dumps(payload, salt=states.SALT),
        signing.dumps(payload, salt=tickets.SALT, key="guessed"),
        signing.dumps(payload | {"identity": payload["identity"] | {"provider": "weibo"}}, salt=tickets.SALT),
        signing.dumps(payload | {"identity": payload["identity"] | {"app_id": "101000002"}}, salt=tickets.SALT),
        signing.dumps(payload | {"cookie": ""}, salt=tickets.SALT),
        signing.dumps(payload | {"cookie": "0" * 64}, salt=tickets.SALT),
    ):
        assert bind(person, forged) == "ticket_invalid", forged
    assert bind(person, good) == ""


def test_threat_2_a_ticket_of_the_app_before_is_refused(person: Person, phonebind: Configure) -> None:
    ticket = ticket_of(person)
    phonebind(providers={"client_id": "101000002"})
    assert bind(person, ticket) == "ticket_invalid"


def test_the_ticket_holds_no_token_of_the_provider(qq: Upstream, person: Person) -> None:
    qq.answer(
        "/oauth2.0/token", {"access_token": "PROVIDERS-TOKEN", "openid": OPENID, "refresh_token": "THEIR-REFRESH"}
    )
    answer = person.callback()
    payload = json.dumps(signing.loads(answer.json()["access_token"], salt=tickets.SALT))
    seen = payload + answer.content.decode() + str(answer.headers) + answer.cookies.output()
    assert OPENID in payload
    assert "PROVIDERS-TOKEN" not in seen
    assert "THEIR-REFRESH" not in seen


def test_the_same_form_again_gives_the_same_success(person: Person) -> None:
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": person.sms_code(MOBILE)}
    form["access_token"] = ticket_of(person)
    first, second = person.bind(**form), person.bind(**form)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]


def test_keys_rotate_in_the_middle_of_a_sign_in(person: Person, phonebind: Configure) -> None:
    settings = phonebind.settings

    def rotate(key: str) -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = key * 50

    state = person.login_url()["state"]
    rotate("a")
    ticket = person.callback(state).json()["access_token"]
    sms_code = person.sms_code(MOBILE)
    rotate("b")
    form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": sms_code, "access_token": ticket}
    assert person.bind(**form).status_code == 201


# ---------------------------------------------------------------- the cookies


def test_a_cookie_is_for_the_server_alone_and_short_lived(person: Person) -> None:
    ages = (states.KNOWN_AGE, tickets.MAX_AGE)
    answers = (person.http.get("/oauth/qq/authorization/"), person.callback())
    for answer, age in zip(answers, ages, strict=True):
        [cookie] = [cookie for cookie in answer.cookies.values() if cookie.value]
        assert cookie["httponly"]
        assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", age)
        assert cookie["samesite"] == "Lax"
        assert not cookie["secure"], "over plain HTTP no browser would keep it"


def test_over_https_no_other_host_of_the_site_can_plant_a_cookie(over_https: Person) -> None:
    state = over_https.login_url()["state"]
    [name] = cookies(over_https, "flow")
    cookie = over_https.http.cookies[name]
    assert name.startswith("__Host-")
    assert cookie["secure"]
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    secret = cookie.value
    del over_https.http.cookies[name]
    over_https.http.cookies[name.removeprefix("__Host-")] = secret
    assert refused(over_https, state)
    over_https.http.cookies[name] = secret
    assert over_https.callback(state).status_code == 200


def test_over_https_used_cookies_are_removed_in_a_way_that_browsers_obey(over_https: Person) -> None:
    """Browsers ignore a Set-Cookie without Secure for a __Host- name."""
    answer = over_https.callback()
    removed = [cookie for cookie in answer.cookies.values() if not cookie.value]
    assert len(removed) == 1
    assert all(cookie["secure"] and cookie["path"] == "/" for cookie in removed)


def test_behind_a_proxy_that_does_not_tell_the_setting_does(person: Person, phonebind: Configure) -> None:
    phonebind.settings.SESSION_COOKIE_SECURE = True
    state = person.login_url()["state"]
    [name] = cookies(person, "flow")
    assert name.startswith("__Host-")
    assert person.callback(state).status_code == 200
