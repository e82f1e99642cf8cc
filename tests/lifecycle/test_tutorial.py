"""The course's other endpoints, with the requests of its pages: ``register.js``, ``find_password.js``,
``user_center_info.js``.
"""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import redis
from django.contrib.auth import get_user_model
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches
from django.utils import timezone

from phonebind import accounts, databases, sms_codes, store, tickets
from phonebind.exceptions import AccountDisabled, SmsCodeInvalid
from phonebind.lifecycle import proofs, tutorial
from phonebind.lifecycle.models import MobileChange, MobileProof, Session
from phonebind.oauth import Identity
from tests.lifecycle.conftest import MOBILE, PASSWORD, Account
from tests.support.edge import Configure, Outbox, Person
from tests.support.racers import together

pytestmark = pytest.mark.django_db(transaction=True)
Device = Callable[..., Account]

URLS = "tests.lifecycle.tutorial_urls"
NEW = "another-horse-9"
ME = Identity("qq", "101000001", "E" * 32, nickname="大明")
UNKNOWN = ("13900000009", "nobody_here")


@pytest.fixture(autouse=True)
def pages(phonebind: Configure) -> Iterator[Configure]:
    """Set ``FRONT_END`` as if Django had started with it."""
    phonebind.settings.ROOT_URLCONF = URLS
    phonebind(front_end="tutorial")
    _reload()
    yield phonebind
    phonebind(front_end="contract")
    _reload()


@pytest.fixture
def person(person: Any) -> Any:
    """An account whose number was proved just now, so that the gate asks nothing."""
    proofs.record(person, MOBILE, "sms")
    return person


@pytest.fixture
def valkey_client(_store: redis.Redis) -> Any:
    return _store


def _reload() -> None:
    for name in ("phonebind.api.urls", "phonebind.lifecycle.urls", URLS):
        if name in sys.modules:
            importlib.reload(sys.modules[name])
    clear_url_caches()


def get(path: str, query: dict[str, str] | None = None, **extra: Any) -> Any:
    return Client().get(path, query, **extra)


def step_1(account: str = MOBILE, **changes: str) -> Any:
    return get(f"/accounts/{quote(account)}/sms/token/", {**Person().see_image(), **changes})


def step_2(token: str, **extra: Any) -> Any:
    return get("/sms_codes/", {"access_token": token}, **extra)


def step_3(code: str, account: str = MOBILE, **extra: Any) -> Any:
    return get(f"/accounts/{quote(account)}/password/token/", {"sms_code": code}, **extra)


def step_4(pk: Any, token: str, password: str = NEW, **changes: str) -> Any:
    form = {"password": password, "password2": password, "access_token": token, **changes}
    return Client().post(f"/users/{pk}/password/", form, content_type="application/json")


def on_the_phone() -> str:
    found = re.search(r"\d{6}", Outbox.sent[-1].text)
    assert found
    return found[0]


def code_for(account: str = MOBILE) -> str:
    token = step_1(account).json()["access_token"]
    sent = step_2(token)
    assert sent.status_code == 200, sent.content
    return on_the_phone()


def token_for(account: str = MOBILE) -> str:
    return str(step_3(code_for(account), account).json()["access_token"])


def signs_in(password: str, username: str = MOBILE) -> bool:
    form = {"username": username, "password": password}
    return Client().post("/authorizations/", form, content_type="application/json").status_code == 200


def refused(answer: Any, code: str, status: int = 400) -> bool:
    """An error as the pages read it: status 400, with a message to show."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return bool(body["message"]) and (status != 400 or body["non_field_errors"] == [body["message"]])


def another(username: str = "13900000002", **fields: Any) -> Any:
    model: Any = get_user_model()
    user = model.objects.create_user(username=username, password=PASSWORD, **{"mobile": username, **fields})
    if user.mobile:
        proofs.record(user, user.mobile, "sms")
    return user


# ---------------------------------------------------------------- counts


def test_the_counts_say_who_is_there(person: Any) -> None:
    assert get(f"/usernames/{MOBILE}/count/").json() == {"username": MOBILE, "count": 1}
    assert get("/usernames/nobody/count/").json() == {"username": "nobody", "count": 0}
    assert get(f"/mobiles/{MOBILE}/count/").json() == {"mobile": MOBILE, "count": 1}
    assert get("/mobiles/13900000009/count/").json() == {"mobile": "13900000009", "count": 0}
    assert refused(get("/mobiles/1390000/count/"), "invalid")


def test_an_address_may_ask_twenty_times_an_hour(person: Any) -> None:
    for number in range(20):
        assert get(f"/mobiles/139000001{number:02}/count/").status_code == 200
    assert refused(get(f"/mobiles/{MOBILE}/count/"), "too_many_requests")
    assert refused(get(f"/usernames/{MOBILE}/count/"), "too_many_requests")
    assert step_1().status_code == 200, "registrations behind an address keep nobody there from a new password"
    for _ in range(19):
        step_1("nobody")
    assert refused(step_1(), "too_many_requests"), "which answers the same question"


def test_they_say_nothing_where_the_shop_wants_that(pages: Configure, person: Any) -> None:
    pages(front_end="tutorial", legacy_counts="zero")
    with CaptureQueriesContext(connection) as queries:
        for _ in range(30):
            assert get(f"/usernames/{MOBILE}/count/").json()["count"] == 0
            assert get(f"/mobiles/{MOBILE}/count/").json()["count"] == 0
    assert not queries.captured_queries


# ---------------------------------------------------------------- registration


def registered(code: str, **changes: str) -> Any:
    form = {"username": "newcomer", "password": NEW, "password2": NEW, "mobile": UNKNOWN[0], "allow": "true"}
    return Client().post("/users/", {**form, "sms_code": code, **changes}, content_type="application/json")


def test_a_registration_page_reads_what_it_kept_before(pages: Configure) -> None:
    code = Person().sms_code(UNKNOWN[0])
    made = registered(code)
    assert made.status_code == 201, made.content
    assert {"id", "user_id", "username", "mobile", "token"} <= made.json().keys()
    assert (made.json()["username"], made.json()["mobile"]) == ("newcomer", UNKNOWN[0])
    assert refused(registered(code, username="another-newcomer"), "sms_code_invalid")
    assert refused(registered("123456", allow="false"), "invalid")


def test_whatever_a_registration_is_refused_for_its_page_shows(pages: Configure, person: Any) -> None:
    pages(front_end="tutorial", limits={"sign_up_mobile_hour": (1, 3600)})
    code = Person().sms_code(MOBILE)
    assert refused(registered(code, mobile=MOBILE), "mobile_taken")
    assert refused(registered(code, mobile=MOBILE), "too_many_attempts")


def test_a_code_for_a_new_password_registers_and_binds_nobody(person: Any, pages: Configure) -> None:
    code = code_for()
    model: Any = get_user_model()
    model.objects.update(mobile="13900000008")
    assert refused(registered(code, mobile=MOBILE), "sms_code_invalid")
    form = {"mobile": MOBILE, "password": NEW, "sms_code": code, "access_token": tickets.issue_unbound(ME, "/")}
    bound = Client().post("/oauth/qq/user/", form, content_type="application/json")
    assert refused(bound, "sms_code_invalid")


@pytest.mark.parametrize("name", ["%00", "%F0%9F%90%B4", "a%27--", "%ED%A0%80", "x" * 3000])
def test_garbage_is_nobodys_name(person: Any, name: str) -> None:
    assert get(f"/usernames/{name}/count/").json()["count"] == 0
    image = Person().see_image()
    assert refused(get(f"/accounts/{name}/sms/token/", image), "account_unknown", 404)
    assert refused(get(f"/accounts/{name}/password/token/", {"sms_code": "123456"}), "sms_code_invalid")


def test_what_the_database_fails_at_is_no_answer(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(databases, "people", fail)
    assert get("/usernames/x/count/").status_code == 503


# ---------------------------------------------------------------- a forgotten password


def test_a_forgotten_password_in_four_steps(person: Any, device: Device) -> None:
    device()
    first = step_1()
    assert first.json()["mobile"] == "139****0001"
    assert MOBILE not in first.content.decode()
    assert step_2(first.json()["access_token"]).json()["message"] == "OK"
    assert Outbox.sent[-1].purpose == "reset_password"
    third = step_3(on_the_phone()).json()
    assert third["user_id"] == person.pk
    assert refused(step_4(person.pk, third["access_token"], password2="x"), "invalid")
    assert refused(step_4(person.pk, third["access_token"], "short"), "invalid")
    last = step_4(third["user_id"], third["access_token"])
    assert (last.status_code, last.json()["id"]) == (200, person.pk)
    assert signs_in(NEW)
    assert not signs_in(PASSWORD)
    assert MobileProof.objects.get().user == person


def test_it_goes_by_the_username_too(person: Any) -> None:
    user = another("grace", mobile="13900000003")
    assert step_4(user.pk, token_for("grace")).status_code == 200
    assert signs_in(NEW, "grace")
    assert step_1("13900000003").json()["mobile"] == "139****0003"


def test_the_image_is_used_up_right_or_wrong(person: Any) -> None:
    image = Person().see_image()
    path = f"/accounts/{MOBILE}/sms/token/"
    assert refused(get(path, {**image, "text": "----"}), "image_code_invalid")
    assert refused(get(path, image), "image_code_invalid")
    again = Person().see_image()
    assert get(path, {"image_code": again["text"], "image_code_id": again["image_code_id"]}).status_code == 200
    assert refused(get(path, again), "image_code_invalid")
    assert refused(get(path, {"text": "ABCD"}), "invalid")
    assert refused(get(path, {"text": "ABCD", "image_code_id": "x"}), "invalid")


def test_pages_without_an_image_code_ask_for_none(pages: Configure, person: Any) -> None:
    bounds = {"sms_address_hour": (20, 3600), "sms_site_hour": (50, 3600), "sms_site_day": (50, 86_400)}
    pages(front_end="tutorial", human_check="none", limits=bounds)
    assert get(f"/accounts/{MOBILE}/sms/token/").status_code == 200


def test_threat_27_a_code_of_one_purpose_is_wrong_for_another(person: Any, pages: Configure) -> None:
    for purpose in ("bind", "sign_in", "verify", "change_mobile"):
        sms_codes.issue(MOBILE, "192.0.2.1", purpose=purpose, reserved=False)
        assert refused(step_3(on_the_phone()), "sms_code_invalid")
        pages(front_end="tutorial", limits={"sms_mobile_gap": (9, 60), "sms_mobile_open_hour": (9, 3600)})


def test_a_token_serves_its_own_step(person: Any) -> None:
    first = step_1().json()["access_token"]
    assert refused(step_4(person.pk, first), "ticket_invalid")
    step_2(first)
    third = step_3(on_the_phone()).json()["access_token"]
    assert refused(step_2(third), "ticket_invalid")
    for garbage in ("", "x", "\x00", "é" * 200, "x" * 300):
        assert step_2(garbage).status_code == step_4(person.pk, garbage).status_code == 400
    assert refused(get("/sms_codes/"), "invalid")
    assert step_4(person.pk, third).status_code == 200


def test_who_knows_a_name_burns_no_code_and_keeps_nobody_out(person: Any) -> None:
    another("grace", mobile="13900000003")
    code = code_for("grace")
    for _ in range(12):
        for name in ("grace", "13900000003"):
            answer = step_3("000000", name, REMOTE_ADDR="203.0.113.9")
    assert refused(answer, "too_many_attempts")
    assert refused(step_3(code, "grace", REMOTE_ADDR="198.51.100.7"), "sms_code_invalid"), "not theirs, right or wrong"
    assert step_3(code, "grace").status_code == 200


def test_three_guesses_burn_ones_own(person: Any) -> None:
    code = code_for()
    for _ in range(3):
        assert refused(step_3("000000"), "sms_code_invalid")
    assert refused(step_3(code), "sms_code_invalid")


@pytest.mark.parametrize(
    ("asked", "typed", "serves"),
    [
        ("192.0.2.1", "192.0.2.77", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:1::1", False),
        ("unix", "unix", True),
    ],
)
def test_a_code_serves_in_the_network_that_asked_for_it(person: Any, asked: str, typed: str, serves: bool) -> None:
    step_2(step_1().json()["access_token"], REMOTE_ADDR=asked)
    assert (step_3(on_the_phone(), REMOTE_ADDR=typed).status_code == 200) is serves


def test_a_code_and_a_token_serve_once(person: Any) -> None:
    code = code_for()
    token = step_3(code).json()["access_token"]
    assert refused(step_3(code), "sms_code_invalid")
    assert step_4(person.pk, token).status_code == 200
    assert refused(step_4(person.pk, token, "yet-another-10"), "ticket_invalid")
    assert signs_in(NEW)


def test_they_live_for_minutes(person: Any, valkey_client: Any) -> None:
    token_for()
    for kind, seconds in (("tutorial_sms", 600), ("tutorial_password", 300)):
        [key] = valkey_client.keys(f"*phonebind:{kind}:*")
        assert seconds - 10 < valkey_client.ttl(key) <= seconds


def test_threat_28_the_token_is_of_one_account(person: Any) -> None:
    other = another()
    token = token_for()
    for pk in (other.pk, f"0{person.pk}", f"{person.pk} ", "é", "None"):
        assert refused(step_4(pk, token), "ticket_invalid")
    assert signs_in(PASSWORD, other.username)
    code = code_for(other.username)
    assert refused(step_3(code), "sms_code_invalid"), "the code of another number"
    assert step_4(person.pk, token).status_code == 200


def test_threat_28_known_and_unknown_cost_the_same(person: Any, valkey_client: Any, pages: Configure) -> None:
    """A wrong code: queries, hashes and commands, for both kinds of names, and the answer."""
    pages(front_end="tutorial", limits={"sms_code_identity_hour": (2, 3600)})
    another("grace", mobile="13900000003")
    another("root_of_it", mobile="13900000004", is_staff=True)
    another("gone_for_good", mobile="13900000005", is_active=False)
    another("without_mobile", mobile=None)
    code_for()
    sent = len(Outbox.sent)

    def cost(account: str) -> list[Any]:
        seen: list[Any] = []
        for _ in range(3):
            before = valkey_client.info("commandstats")
            with CaptureQueriesContext(connection) as queries:
                answer = step_3("000000", account)
            after = valkey_client.info("commandstats")
            names = ("cmdstat_evalsha", "cmdstat_get", "cmdstat_set", "cmdstat_del", "cmdstat_exists")
            spent = [after.get(n, {}).get("calls", 0) - before.get(n, {}).get("calls", 0) for n in names]
            seen.append((answer.status_code, answer.content, len(queries), spent))
        return seen

    step_3("000000", "warm_up")
    assert cost(MOBILE) == cost("13900000003") == cost("13900000004") == cost("13900000005") == cost(UNKNOWN[0])
    others = ("grace", "root_of_it", "gone_for_good", "without_mobile", UNKNOWN[1])
    first, *rest = [cost(name) for name in others]
    assert all(each == first for each in rest)
    assert first[-1][0] == 400
    assert b"too_many_attempts" in first[-1][1]
    assert len(Outbox.sent) == sent


def test_staff_and_whoever_cannot_be_meant_are_nobody(person: Any) -> None:
    another("13900000004", is_staff=True)
    another("13900000005", is_active=False)
    another("13900000006", is_superuser=True)
    another("without_mobile", mobile=None)
    bodies = set()
    for account in ("13900000004", "13900000005", "13900000006", "without_mobile", *UNKNOWN):
        answer = step_1(account)
        assert refused(answer, "account_unknown", 404)
        bodies.add(answer.content)
    assert len(bodies) == 1


@pytest.mark.parametrize("change", ["is_staff", "disabled", "mobile", "password", "gone"])
def test_what_changed_meanwhile_ends_both_tokens(person: Any, change: str) -> None:
    first = step_1().json()["access_token"]
    step_2(first)
    third = step_3(on_the_phone()).json()["access_token"]
    if change == "gone":
        pk = person.pk
        person.delete()
        person.pk = pk
    else:
        if change == "is_staff":
            person.is_staff = True
        elif change == "disabled":
            person.is_active = False
        elif change == "mobile":
            person.mobile = "13900000008"
        else:
            person.set_password("its-third-horse")
        person.save()
    assert refused(step_2(first), "ticket_invalid")
    assert refused(step_4(person.pk, third), "ticket_invalid")


def test_who_is_hidden_or_refused_by_the_host_gets_no_code(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    code = code_for()

    def disabled(user: Any) -> None:
        raise AccountDisabled

    monkeypatch.setattr(accounts, "check_enabled", disabled)
    assert refused(step_1(), "account_unknown", 404)
    assert refused(step_3(code), "sms_code_invalid")


def test_threat_29_a_new_password_ends_what_was_begun(person: Any, device: Device, pages: Configure) -> None:
    pages(front_end="tutorial", limits={"sms_mobile_gap": (9, 60)})
    one = device()
    other_code = Person().sms_code(MOBILE)
    token = token_for()
    MobileChange.objects.create(user=person, mobile="13900000007", requested_at=timezone.now(), due_at=timezone.now())
    assert step_4(person.pk, token).status_code == 200
    assert Session.objects.get().end_reason == "password"
    assert one.ask("get", "/user/").status_code == 401
    assert not MobileChange.objects.exists()
    with pytest.raises(SmsCodeInvalid):
        sms_codes.check(MOBILE, other_code, claimant="somebody", address="192.0.2.1")


def choose(asked: Any, choice: str = "mine", token: str = "", **more: str) -> Any:
    form = {"ticket": asked.json()["ticket"], "choice": choice, "access_token": token, **more}
    return Client().post("/ownership/", form, content_type="application/json")


def test_threat_30_the_gate_is_asked_before_a_password_is_set(person: Any) -> None:
    MobileProof.objects.all().delete()
    token = token_for()
    asked = step_4(person.pk, token)
    assert refused(asked, "owner_unclear")
    assert signs_in(PASSWORD)
    # The course's pages keep no cookies: the answer counts for the token.
    assert choose(asked, "mine", token, password=PASSWORD).json() == {"choice": "mine", "purpose": "reset_password"}
    assert step_4(person.pk, token).status_code == 200, "the token stays good"
    assert not proofs.is_doubtful(person, MOBILE)


def test_threat_30_who_says_that_it_is_not_theirs_sets_no_password(person: Any) -> None:
    MobileProof.objects.all().delete()
    token = token_for()
    assert choose(step_4(person.pk, token), "not_mine", token).status_code == 200
    assert refused(step_4(person.pk, token), "ticket_invalid")
    person.refresh_from_db()
    assert (person.mobile, person.check_password(PASSWORD)) == (None, True)


def test_threat_30_a_password_that_was_set_on_probation(person: Any, pages: Configure) -> None:
    pages(front_end="tutorial", number_state={"gateway": "sandbox"})
    MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=100))
    assert step_4(person.pk, token_for()).status_code == 200
    assert proofs.is_doubtful(person, MOBILE)


def proved(user: Any, days: int) -> None:
    proofs.record(user, MOBILE, "sms")
    MobileProof.objects.update(last_proved_at=timezone.now() - timedelta(days=days))


def test_threat_30_who_proved_the_number_lately_is_not_asked(person: Any) -> None:
    proved(person, 89)
    assert step_4(person.pk, token_for()).status_code == 200
    assert MobileProof.objects.get().doubtful_until is None


def test_threat_30_nor_who_signed_in_from_this_browser_where_the_page_sends_cookies(
    person: Any, device: Device
) -> None:
    one = device()
    proved(person, 91)
    token = token_for()
    assert refused(step_4(person.pk, token), "owner_unclear")
    form = {"password": NEW, "password2": NEW, "access_token": token}
    assert one.ask("post", f"/users/{person.pk}/password/", form).status_code == 200


def test_threat_30_the_question_is_for_who_has_the_token(person: Any, pages: Configure) -> None:
    """The pages send no cookie that the gate could use to recognise them."""
    person.set_unusable_password()
    person.save()
    proved(person, 91)
    first = token_for()
    asked = step_4(person.pk, first)
    assert refused(asked, "owner_unclear")
    assert "phonebind_device" not in asked.cookies
    pages(front_end="tutorial", limits={"sms_mobile_gap": (9, 60)})
    second = token_for()
    for token in ("", "x", second, step_1().json()["access_token"]):
        assert choose(asked, token=token).status_code == 400
    assert choose(asked, token=first).json() == {"choice": "mine", "purpose": "reset_password"}
    assert refused(step_4(person.pk, second), "owner_unclear"), "whoever answered has the other one"
    assert step_4(person.pk, first).status_code == 200
    assert proofs.is_doubtful(person, MOBILE)


def test_threat_30_a_new_owner_of_the_number_gets_it_and_no_account(person: Any) -> None:
    proved(person, 91)
    token = token_for()
    asked = step_4(person.pk, token)
    assert choose(asked, "not_mine", token).status_code == 200
    assert refused(step_4(person.pk, token), "ticket_invalid")
    assert get(f"/mobiles/{MOBILE}/count/").json()["count"] == 0


def test_a_mobile_gets_no_more_codes_for_it_than_by_the_other_way(person: Any, pages: Configure) -> None:
    pages(front_end="tutorial", limits={"sms_mobile_gap": (9, 60), "reset_mobile_day": (1, 86_400)})
    token = step_1().json()["access_token"]
    assert step_2(token).status_code == 200
    assert refused(step_2(token), "sms_quota")


def test_of_two_at_once_one_sets_the_password(person: Any) -> None:
    token = token_for()
    passwords = [f"racing-horse-{number}" for number in range(4)]
    answers = together(step_4, [(person.pk, token, password) for password in passwords])
    won = [password for password, answer in zip(passwords, answers, strict=True) if answer.status_code == 200]
    assert len(won) == 1, [answer.content for answer in answers]
    assert signs_in(won[0])


def test_of_two_at_once_one_takes_the_code(person: Any) -> None:
    code = code_for()
    answers = together(step_3, [(code,)] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


def test_a_used_token_sets_nothing(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last statement before the commit decides, whatever was read before."""
    token = token_for()
    grant = tutorial._read(tutorial._PASSWORD, token)
    tutorial._use(tutorial._PASSWORD, token)
    monkeypatch.setattr(tutorial, "_read", lambda *args: grant)
    assert refused(step_4(person.pk, token), "ticket_invalid")
    assert signs_in(PASSWORD)


def test_a_lost_race_for_the_proof_changes_nothing(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_for()

    def collide(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError

    with monkeypatch.context() as patch:
        patch.setattr(proofs, "record", collide)
        assert step_4(person.pk, token).status_code == 503
    assert signs_in(PASSWORD)
    assert step_4(person.pk, token).status_code == 200


def test_three_wrong_codes_burn_it_and_the_next_one_is_good(person: Any, pages: Configure) -> None:
    pages(front_end="tutorial", limits={"sms_mobile_gap": (9, 60)})
    code = code_for()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(3):
        assert refused(step_3(wrong), "sms_code_invalid")
    assert refused(step_3(code), "sms_code_invalid")
    assert step_3(code_for()).status_code == 200


def test_no_page_of_another_site_makes_a_browser_do_it(person: Any) -> None:
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in (f"/mobiles/{MOBILE}/count/", f"/accounts/{MOBILE}/sms/token/", "/sms_codes/"):
        assert refused(get(path, headers=foreign), "origin_not_allowed")


# ---------------------------------------------------------------- the user centre


def test_the_user_centre_shows_whose_token_it_is(
    person: Any, device: Device, pages: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rest_framework_simplejwt.authentication.AUTH_HEADER_TYPE_BYTES", {b"JWT", b"Bearer"})
    token = device().headers["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": f"JWT {token}"}
    shown = {"id": person.pk, "username": MOBILE, "mobile": "139****0001"}
    assert get("/user/", headers=headers).json() == shown
    pages(front_end="tutorial", legacy_user_fields=("email",))
    assert get("/user/", headers=headers).json() == {**shown, "email": ""}


def own_password(one: Account, pk: Any, old: str = PASSWORD, path: str = "users", **changes: str) -> Any:
    form = {"old_password": old, "password": NEW, "password2": NEW, **changes}
    return one.ask("put", f"/{path}/{pk}/password/", form)


@pytest.mark.parametrize("path", ["users", "user"])
def test_who_knows_the_password_changes_it_in_the_user_centre(person: Any, device: Device, path: str) -> None:
    one, other = device(), device()
    changed = own_password(one, person.pk, path=path)
    assert changed.status_code == 200, changed.content
    assert signs_in(NEW)
    assert not signs_in(PASSWORD)
    for each in (one, other):
        assert each.ask("get", "/user/").status_code == 401, "the pages lead to the sign-in"
    one.headers = {"Authorization": f"Bearer {changed.json()['token']}"}
    assert one.ask("get", "/user/").status_code == 200


def test_it_is_the_tokens_own_and_takes_the_old_one(person: Any, device: Device) -> None:
    one, other = device(), another()
    assert refused(own_password(one, other.pk), "not_found", 404)
    assert refused(own_password(one, f"0{person.pk}"), "not_found", 404)
    wrong = own_password(one, person.pk, "wrong-horse-1")
    assert refused(wrong, "password_wrong")
    assert refused(own_password(one, person.pk, password2="x"), "invalid")
    assert refused(own_password(one, person.pk, password="short", password2="short"), "invalid")
    one.headers = {"Authorization": "JWT undefined"}
    assert refused(own_password(one, person.pk), "token_invalid")
    assert signs_in(PASSWORD)
    assert signs_in(PASSWORD, other.username)


def test_wrong_ones_there_keep_nobody_from_a_bind(person: Any, device: Device) -> None:
    """Otherwise a thief of a token could block the bind."""
    one = device()
    for _ in range(5):
        assert refused(own_password(one, person.pk, "wrong-horse-1"), "password_wrong")
    assert refused(own_password(one, person.pk), "too_many_attempts")
    accounts.check_password(person, PASSWORD, "192.0.2.9")


@pytest.mark.parametrize("header", ["", "JWT undefined", "JWT ", "Bearer x.y.z"])
def test_everybody_else_is_led_to_the_sign_in(person: Any, header: str) -> None:
    """The pages expect 401 here, and then go to the sign-in page."""
    answer = get("/user/", headers={"Authorization": header} if header else {})
    assert refused(answer, "token_invalid", 401)


def test_they_are_the_tutorials_alone(pages: Configure, person: Any) -> None:
    pages(front_end="contract")
    _reload()
    for path in (f"/usernames/{MOBILE}/count/", f"/accounts/{MOBILE}/sms/token/", "/sms_codes/", "/user/"):
        assert get(path).status_code == 404


def test_no_token_is_kept_as_it_is(person: Any, valkey_client: Any) -> None:
    token = token_for()
    assert not [key for key in valkey_client.keys("*") if token.encode() in key]
    assert store.exists(tutorial._key(tutorial._PASSWORD, token))
