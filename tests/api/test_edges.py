"""The cost of each request, the client that it is counted for, its lines in the logs, and a provider that fails."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from phonebind import store
from tests.support.edge import OPENID, Busy, Configure, Outbox, Person, Upstream
from tests.support.meter import Meter, metering
from tests.support.stopwatch import Stopwatch
from tests.support.wire import FAULTS, serve

pytestmark = pytest.mark.django_db

MOBILE, OTHER = "13900000001", "13900000002"
PASSWORD = "horse-staple-9"
TOKEN = "/oauth2.0/token"


def form(person: Person, mobile: str = MOBILE) -> dict[str, str]:
    ticket = person.callback().json()["access_token"]
    return {"mobile": mobile, "password": PASSWORD, "sms_code": person.sms_code(mobile), "access_token": ticket}


# ---------------------------------------------------------------- cost


class UpstreamMeter:
    def __init__(self, qq: Upstream, meter: Meter) -> None:
        self.qq, self._meter = qq, meter

    def cost(self, act: Callable[[], Any]) -> tuple[int, int, int, int]:
        """Returns counts: calls to the provider, new connections for them, SQL statements, round trips to Valkey."""
        calls, connections = len(self.qq.requests), self.qq.connections
        statements, trips = self._meter.cost(act)
        return len(self.qq.requests) - calls, self.qq.connections - connections, statements, trips


@pytest.fixture
def meter(qq: Upstream) -> Iterator[UpstreamMeter]:
    with metering() as found:
        yield UpstreamMeter(qq, found)


def test_the_cost_of_each_request(meter: UpstreamMeter, person: Person, phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_gap": (9, 60)})
    credentials = {"username": OTHER, "password": PASSWORD}
    # The first round opens connections and loads the scripts into Valkey. It is not measured.
    meter.qq.person(openid="ANOTHER")
    person.bind(**form(person, OTHER))
    first = person.http.post("/authorizations/", credentials).json()
    person.http.post("/authorizations/refresh/", {"refresh": first["refresh"]})
    person.ask_for_sms(OTHER)
    meter.qq.person()

    assert meter.cost(lambda: person.http.get("/oauth/qq/authorization/")) == (0, 0, 0, 0)

    state = person.login_url()["state"]
    assert meter.cost(lambda: person.callback(state)) == (2, 0, 1, 0), "new: the token, a nickname; who is it?"
    fields = form(person)
    assert meter.cost(lambda: person.bind(**fields)) == (0, 0, 5, 5), (
        "the code's limits 1, the code 1, given back 1; claimed 1, settled 1"
    )
    state = person.login_url()["state"]
    assert meter.cost(lambda: person.callback(state)) == (1, 0, 1, 0), "known: one call, one statement, no Valkey"

    assert meter.cost(lambda: person.http.post("/authorizations/", credentials)) == (0, 0, 1, 2)
    refresh = {"refresh": person.http.post("/authorizations/", credentials).json()["refresh"]}
    assert meter.cost(lambda: person.http.post("/authorizations/refresh/", refresh)) == (0, 0, 1, 1), "used up"
    assert meter.cost(lambda: person.ask_for_sms(OTHER)) == (0, 0, 0, 6), (
        "the image 1, its limit 1; redeemed 1, limits 1, the code 1 before it is sent and 1 after"
    )


def test_the_cost_with_the_unionid_permission(meter: UpstreamMeter, person: Person, phonebind: Configure) -> None:
    phonebind(providers={"unionid": True})
    meter.qq.person(unionid="UID_1")
    assert meter.cost(person.callback)[0] == 3
    assert person.bind(**form(person)).status_code == 201
    assert meter.cost(person.callback) == (1, 0, 1, 0), "whose unionid is known is not asked for it again"


# ---------------------------------------------------------------- addresses


def sms_for(mobile: str, forwarded: str, person: Person) -> int:
    return int(person.ask_for_sms(mobile, **({"X-Forwarded-For": forwarded} if forwarded else {})).status_code)


@pytest.mark.parametrize(
    ("proxies", "first", "second", "shared"),
    [
        (0, "1.1.1.1", "2.2.2.2", True),
        (1, "6.6.6.6, 1.1.1.1", "7.7.7.7, 1.1.1.1", True),
        (1, "1.1.1.1", "2.2.2.2", False),
        (1, "9.9.9.9, 1.1.1.1", "9.9.9.9, 2.2.2.2", False),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "7.7.7.7, 1.1.1.1, 10.0.0.2", True),
        (1, "2001:db8:0:1::1", "2001:db8:0:1:ffff::9", True),
        (1, "2001:db8:0:1::1", "2001:db8:0:2::1", False),
        (1, "::ffff:1.1.1.1", "1.1.1.1", True),
        (1, "1.1.1.1:50000", "1.1.1.1:50001", True),
        (1, "1.1.1.1:50000", "2.2.2.2:50000", False),
        (1, "[2001:db8:0:1::1]:50000", "2001:db8:0:1::2", True),
        (1, "nonsense", "\x00", True),
    ],
)
def test_threat_17_an_address_is_what_the_trusted_proxies_saw(
    phonebind: Configure, person: Person, proxies: int, first: str, second: str, shared: bool
) -> None:
    phonebind(trusted_proxies=proxies, limits={"sms_address_hour": (1, 3600)})
    assert sms_for(MOBILE, first, person) == 200
    assert sms_for(OTHER, second, person) == (429 if shared else 200)


def test_threat_17_passwords_are_counted_for_the_same_address(phonebind: Configure, person: Person) -> None:
    phonebind(limits={"password_address": (2, 900)})
    statuses = [
        person.http.post(
            "/authorizations/", {"username": f"u{n}", "password": "x"}, headers={"X-Forwarded-For": f"9.9.9.{n}"}
        ).status_code
        for n in range(3)
    ]
    assert statuses == [401, 401, 429]


# ---------------------------------------------------------------- logs


@pytest.fixture
def every_statement() -> Iterator[None]:
    """Django logs its SQL, as it does with DEBUG on."""
    with CaptureQueriesContext(connection):
        yield


def test_threat_9_a_whole_journey_leaves_no_secret_in_the_logs(
    qq: Upstream, person: Person, phonebind: Configure, caplog: pytest.LogCaptureFixture, every_statement: None
) -> None:
    for name in ("", "django", "django.request", "phonebind.audit"):
        caplog.set_level(1, name)
    phonebind(providers={"client_secret": "THE-CLIENT-SECRET", "unionid": True}, limits={"sms_mobile_gap": (99, 60)})
    qq.answer(TOKEN, {"access_token": "PROVIDERS-TOKEN", "openid": OPENID, "refresh_token": "PROVIDERS-REFRESH"})
    secrets = ["THE-CLIENT-SECRET", "PROVIDERS-TOKEN", "PROVIDERS-REFRESH", "THE-CODE", MOBILE, PASSWORD]

    state = person.login_url()["state"]
    ticket = person.callback(state, code="THE-CODE").json()["access_token"]
    person.ask_for_sms(MOBILE)
    fields = form(person)
    person.bind(**fields | {"sms_code": "oooooo"})
    person.bind(**fields | {"password": "short"})
    bound = person.bind(**fields).json()
    person.http.post("/authorizations/", {"username": MOBILE, "password": PASSWORD + "x"})
    Outbox.refuse = True
    assert person.ask_for_sms(MOBILE).status_code == 502
    person.http.get(f"/sms_codes/{MOBILE}/")
    qq.answer(TOKEN, b'callback( {"error":100009,"error_description":"THE-CLIENT-SECRET"} );')
    person.callback(code="THE-CODE")
    qq.answer(TOKEN, b"", raw=(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",))
    person.callback(code="THE-CODE")

    secrets += [state, ticket, fields["sms_code"], fields["access_token"], bound["token"], bound["refresh"]]
    # Everything that a formatter may print, except Django's whole request object.
    said = [f"{record.getMessage()} {vars(record) | {'request': None}}" for record in caplog.records]
    assert {"phonebind.audit", "django.db.backends", "django.request"} <= {record.name for record in caplog.records}
    assert any("139****0001" in line for line in said), "the path of what failed"
    assert [secret for secret in secrets if any(secret in line for line in said)] == []


# ---------------------------------------------------------------- the provider


@pytest.fixture
def in_a_hurry(phonebind: Configure) -> Configure:
    phonebind(connect_timeout=0.2, total_timeout=0.3)
    return phonebind


@pytest.mark.parametrize(
    "fault", ["hangs before the headers", "drips a header", "drips the body", "resets", "answers 10 MB"]
)
def test_threat_19_a_provider_that_fails_is_unavailable_in_time_and_asked_once(
    in_a_hurry: Configure, person: Person, fault: str
) -> None:
    with serve(FAULTS[fault]) as server:
        in_a_hurry(providers={"base_url": server.url})
        state = person.login_url()["state"]
        with Stopwatch() as watch:
            answer = person.callback(state)
        assert watch.seconds < 0.3 + 0.5
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "provider_unavailable", "5")
    assert len(server.requests) == 1


def test_threat_19_what_is_only_nice_to_have_may_fail(qq: Upstream, in_a_hurry: Configure, person: Person) -> None:
    qq.answer("/user/get_user_info", b"", delay=1)
    answer = person.callback()
    assert (answer.status_code, answer.json()["nickname"]) == (200, "")


@pytest.mark.parametrize("nickname", ["\ud83d", "\x00", "明" * 5_000, "<script>"])
def test_threat_18_a_nickname_of_any_kind_can_be_greeted_and_bound(qq: Upstream, person: Person, nickname: str) -> None:
    qq.answer("/user/get_user_info", {"ret": 0, "nickname": nickname})
    assert person.bind(**form(person)).status_code == 201


@pytest.mark.parametrize("openid", ["", " ", "a b", "é", "x" * 256, "\x00", "\ud800"])
def test_threat_4_an_openid_of_any_other_kind_is_no_answer(qq: Upstream, person: Person, openid: str) -> None:
    qq.person(openid=openid)
    assert person.callback().json()["code"] == "provider_unavailable"


def test_a_unionid_that_cannot_be_kept_stops_nobody_who_is_known(
    qq: Upstream, person: Person, phonebind: Configure
) -> None:
    assert person.bind(**form(person)).status_code == 201
    phonebind(providers={"unionid": True})
    qq.person(unionid="x" * 500)
    assert person.callback().json()["username"] == MOBILE


# ---------------------------------------------------------------- a server that hashes passwords for other people


def is_busy(answer: Any) -> bool:
    body = answer.json()
    return (answer.status_code, body["code"], body["retry_after"], answer["Retry-After"]) == (
        503,
        "server_busy",
        5,
        "5",
    )


def kept() -> dict[bytes, Any]:
    """The codes and limits that Valkey holds."""
    with store.connection() as client:
        return {key: client.hgetall(key) for key in client.scan_iter()}


@pytest.mark.parametrize("known", [False, True])
def test_a_bind_that_found_the_server_busy_succeeds_with_the_same_form(
    qq: Upstream, person: Person, busy: Busy, known: bool
) -> None:
    users = get_user_model()._default_manager
    if known:
        users.create_user("li", mobile=MOBILE, password=PASSWORD)
    filled = form(person)
    before = kept()
    with busy():
        for _ in range(8):
            assert is_busy(person.bind(**filled))
        assert kept() == before
    assert users.count() == known
    assert person.bind(**filled).status_code == 201


def test_a_password_sign_in_that_found_the_server_busy_costs_no_attempt(
    qq: Upstream, person: Person, busy: Busy
) -> None:
    get_user_model()._default_manager.create_user("li", mobile=MOBILE, password=PASSWORD)
    before = kept()
    with busy():
        for username in ("li", MOBILE, "nobody") * 6:
            assert is_busy(person.http.post("/authorizations/", {"username": username, "password": PASSWORD}))
    assert kept() == before
    assert person.http.post("/authorizations/", {"username": "li", "password": PASSWORD}).status_code == 200


def test_while_others_hash_who_is_bound_signs_in(qq: Upstream, person: Person, busy: Busy) -> None:
    filled = form(person)
    assert person.bind(**filled).status_code == 201
    with busy():
        assert person.callback().json()["username"] == MOBILE
        assert person.bind(**filled).status_code == 201, "a double click"
