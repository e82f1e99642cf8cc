"""Real races: threads and processes, each with its own connections, and processes that die at the worst moment."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from django.conf import settings
from django.db.models.signals import post_save
from django.test import Client, RequestFactory, override_settings

from phonebind import binding, limits, signals, sms_codes, store
from phonebind.exceptions import ImageCodeInvalid, PhonebindError
from phonebind.human import image_codes
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from server.users.models import User
from tests.support.edge import OPENID, Configure, Outbox, Person, Upstream
from tests.support.racers import Racers, crash, racers, together

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"
ME = Identity("qq", "101000001", OPENID)


@pytest.fixture(scope="module")
def pool(django_db_setup: None) -> Iterator[Racers]:
    """Two processes besides this one. They race for a code or a mobile, not for a slot to hash."""
    with override_settings(PHONEBIND=settings.PHONEBIND | {"HASH_SLOTS": 32}), racers() as ready:
        yield ready


@pytest.fixture
def code(phonebind: Configure) -> str:
    """An SMS code for the mobile, as its owner reads it."""
    sms_codes.issue(MOBILE, "192.0.2.1")
    return Outbox.sent[-1].code


@pytest.fixture
def form(qq: Upstream, person: Person, code: str) -> dict[str, str]:
    """A correct bind form."""
    ticket = person.callback().json()["access_token"]
    return {"mobile": MOBILE, "password": PASSWORD, "sms_code": code, "access_token": ticket}


def cookies(person: Person) -> dict[str, str]:
    return {name: morsel.value for name, morsel in person.http.cookies.items()}


def submit(form: dict[str, str], cookies: dict[str, str]) -> tuple[int, Any]:
    """Submit the form once, from the same browser. Returns the status and the answer."""
    client = Client(raise_request_exception=False)
    for name, value in cookies.items():
        client.cookies[name] = value
    answer = client.post("/oauth/qq/user/", form, content_type="application/json")
    return answer.status_code, answer.json()


def bind(openid: str, code: str) -> str:
    """Bind the mobile to this identity, without a ticket. Returns the outcome."""
    identity = Identity("qq", "101000001", openid)
    try:
        verified = sms_codes.check(MOBILE, code, claimant=identity.key, address="192.0.2.1")
        binding.bind(RequestFactory().post("/"), identity, verified, PASSWORD)
    except PhonebindError as error:
        return error.code
    return "bound"


def all_is_clean(answers: list[tuple[int, Any]]) -> bool:
    """Each answer is 201 for the same account, or an error that says what to do."""
    accounts = {answer["id"] for status, answer in answers if status == 201}
    refused = [status for status, answer in answers if status != 201]
    return len(accounts) == 1 and set(refused) <= {400, 429, 503}


# ---------------------------------------------------------------- one form, many times


def test_threat_5_a_double_click_succeeds_twice(pool: Racers, form: dict[str, str], person: Person) -> None:
    answers = pool.race(submit, [(form, cookies(person))] * 2)
    assert [status for status, _ in answers] == [201, 201]
    assert all_is_clean(answers)
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


@pytest.mark.parametrize("known", [False, True])
def test_threat_5_fifty_submits_at_once_make_one_account_and_one_binding(
    pool: Racers, form: dict[str, str], person: Person, known: bool
) -> None:
    if known:
        User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    answers = pool.race(submit, [(form, cookies(person))] * 50)
    assert all_is_clean(answers), Counter(status for status, _ in answers)
    refused = [answer for status, answer in answers if status != 201]
    assert {answer["code"] for answer in refused} <= {"too_many_attempts"}
    # The password was right. A request that had to wait for the others waits for seconds only.
    assert all(answer["retry_after"] <= limits.TRIAL for answer in refused)
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)
    assert submit(form, cookies(person))[0] == 201


def test_threat_5_the_shop_hears_of_one_bind(form: dict[str, str], person: Person) -> None:
    heard: list[Any] = []

    def bound(user: Any, **kwargs: Any) -> None:
        heard.append(user)

    signals.account_bound.connect(bound)
    try:
        answers = together(submit, [(form, cookies(person))] * 8)
    finally:
        signals.account_bound.disconnect(bound)
    assert all_is_clean(answers)
    assert len(heard) == 1


# ---------------------------------------------------------------- one code, many identities


@pytest.mark.parametrize("known", [False, True])
def test_threat_11_one_code_binds_one_of_many_identities(pool: Racers, code: str, known: bool) -> None:
    if known:
        User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    outcomes = pool.race(bind, [(f"{number:032X}", code) for number in range(24)])
    assert Counter(outcomes)["bound"] == 1, Counter(outcomes)
    assert set(outcomes) <= {"bound", "sms_code_invalid", "too_many_attempts"}
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def bind_other_mobile(mobile: str, code: str) -> str:
    """Bind this mobile to the one identity. Returns the outcome."""
    try:
        verified = sms_codes.check(mobile, code, claimant=ME.key, address="192.0.2.1")
        binding.bind(RequestFactory().post("/"), ME, verified, PASSWORD)
    except PhonebindError as error:
        return error.code
    return "bound"


def test_threat_5_one_identity_is_bound_to_one_of_many_mobiles(pool: Racers, phonebind: Configure) -> None:
    attempts = []
    for number in range(12):
        mobile = f"139000001{number:02}"
        sms_codes.issue(mobile, "192.0.2.1")
        attempts.append((mobile, Outbox.sent[-1].code))
    outcomes = Counter(pool.race(bind_other_mobile, attempts))
    # One identity tries ten codes at once. While the limit of codes is being compared, the next request is told to come
    # again.
    assert outcomes["bound"] == 1
    assert set(outcomes) <= {"bound", "already_bound", "too_many_attempts"}
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


# ---------------------------------------------------------------- guesses


def guess(code: str, claimant: str = ME.key, address: str = "192.0.2.1") -> str:
    """Guess at the mobile's code. Returns the outcome."""
    try:
        sms_codes.check(MOBILE, code, claimant=claimant, address=address)
    except PhonebindError as error:
        return error.code
    return "right"


def crowd(code: str, number: int) -> list[tuple[str, str, str]]:
    """``number`` people who guess one code each, all of them wrong. No limit of a single person is reached before the
    code's.
    """
    return [(f"{(int(code) + n) % 10**6:06}", f"qq:1:{n}", f"192.0.2.{n}") for n in range(1, number + 1)]


def test_threat_10_of_twenty_guesses_at_once_five_are_looked_at(pool: Racers, code: str) -> None:
    def increments() -> int:
        with store.connection() as client:
            return int(client.info("commandstats").get("cmdstat_hincrby", {"calls": 0})["calls"])

    before = increments()
    assert Counter(pool.race(guess, crowd(code, 20))) == {"sms_code_invalid": 20}
    # Each guess counts in two limits, and once more if it was compared.
    assert increments() - before == 20 * 2 + 5
    assert guess(code, "qq:1:OTHER", "192.0.2.99") == "sms_code_invalid"


@pytest.mark.parametrize("wrong", [4, 5])
def test_threat_10_every_guess_counts_whoever_makes_it(pool: Racers, code: str, wrong: int) -> None:
    """Four guesses at once from several processes leave the code valid, with four counted. Five make it invalid."""
    pool.race(guess, crowd(code, wrong))
    if wrong == 4:
        with store.connection() as client:
            assert client.hget(store.key("sms", MOBILE), "tries:") == b"4"
    assert guess(code) == ("right" if wrong == 4 else "sms_code_invalid")


def test_threat_49_of_thirty_guesses_of_one_identity_at_once_ten_are_looked_at(
    pool: Racers, phonebind: Configure
) -> None:
    """The mobiles may be different ones."""
    guesses = [(f"139000001{number:02}", "000000") for number in range(30)]
    outcomes = Counter(pool.race(bind_other_mobile, guesses))
    assert outcomes == {"sms_code_invalid": 10, "too_many_attempts": 20}


def test_threat_49_right_codes_at_once_lock_nobody_out(pool: Racers, code: str) -> None:
    outcomes = pool.race(guess, [(code,)] * 30)
    assert set(outcomes) <= {"right", "too_many_attempts"}
    assert "right" in outcomes
    assert guess(code) == "right"


def attempt(password: str) -> str:
    """A sign-in by password. Returns the outcome."""
    answer = Client().post(
        "/authorizations/", {"username": MOBILE, "password": password}, content_type="application/json"
    )
    return str(answer.json().get("code", "signed in"))


def wait_after(password: str) -> int | None:
    """A sign-in by password. Returns None for success, or the seconds to wait."""
    answer = Client().post(
        "/authorizations/", {"username": MOBILE, "password": password}, content_type="application/json"
    )
    assert answer.status_code in (200, 429) or password != PASSWORD
    wait: int | None = answer.json().get("retry_after")
    return wait


def test_threat_12_right_passwords_at_once_lock_nobody_out(pool: Racers) -> None:
    User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    waits = pool.race(wait_after, [(PASSWORD,)] * 20)
    assert None in waits
    assert all(wait <= limits.TRIAL for wait in waits if wait is not None)
    assert wait_after(PASSWORD) is None, "none of them counted"
    pool.race(wait_after, [(f"wrong-{number}",) for number in range(20)])
    locked = wait_after(PASSWORD)
    assert locked is not None
    assert limits.rule("password_name").seconds - 60 < locked <= limits.rule("password_name").seconds


def test_threat_12_of_twenty_passwords_at_once_five_are_looked_at(pool: Racers, phonebind: Configure) -> None:
    User.objects.create_user("ming", mobile=MOBILE, password=PASSWORD)
    outcomes = Counter(pool.race(attempt, [(f"wrong-{number}",) for number in range(20)]))
    assert outcomes == {"credentials_invalid": 5, "too_many_attempts": 15}


def redeem(text: str) -> bool:
    """Whether this text redeems the image."""
    try:
        image_codes.redeem("id", text)
    except ImageCodeInvalid:
        return False
    return True


def test_threat_13_an_image_is_redeemed_by_one_of_many(pool: Racers) -> None:
    with store.connection() as client:
        client.set(store.key("image", "id"), "ACDE", ex=300)
    assert pool.race(redeem, [("acde",)] * 20).count(True) == 1


# ---------------------------------------------------------------- how often


def take(*claims: limits.Claim) -> bool:
    """Whether the limits allowed it."""
    try:
        limits.take(*claims)
    except PhonebindError:
        return False
    return True


def test_threat_13_of_fifty_requests_at_once_one_is_sent(code: str, phonebind: Configure) -> None:
    phonebind(sms_slots=50)  # a request that finds no free slot sends no SMS, and this test counts the SMS
    mobile = "13900000002"

    def ask() -> str:
        try:
            sms_codes.issue(mobile, "192.0.2.1")
        except PhonebindError as error:
            return error.code
        return "sent"

    assert Counter(together(ask, [()] * 50)) == {"sent": 1, "sms_too_frequent": 49}
    assert [message.mobile for message in Outbox.sent].count(mobile) == 1


@pytest.mark.parametrize("name", ["sms_mobile_gap", "sms_mobile_hour", "sms_mobile_day", "sms_address_hour"])
def test_threat_13_a_counter_is_exact_over_all_processes(pool: Racers, name: str) -> None:
    assert pool.race(take, [((name, "one"),)] * 50).count(True) == limits.rule(name).limit


def test_threat_13_a_refused_request_costs_the_address_nothing(pool: Racers) -> None:
    claims = (("sms_address_hour", "192.0.2.1"), ("sms_mobile_gap", MOBILE))
    assert pool.race(take, [claims] * 50).count(True) >= 1
    with store.connection() as client:
        assert client.hget(limits.key("sms_mobile_gap", MOBILE), "taken") == b"1"
    assert limits.spent("sms_address_hour", "192.0.2.1")[0] == 1


# ---------------------------------------------------------------- a process dies


def die(*args: object, **kwargs: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def dies_after_writing(form: dict[str, str], cookies: dict[str, str]) -> None:
    post_save.connect(die, SocialAccount)
    submit(form, cookies)


def dies_after_the_claim(form: dict[str, str], cookies: dict[str, str]) -> None:
    claim = sms_codes.ByCode.claim
    sms_codes.ByCode.claim = lambda mobile: die(claim(mobile))  # type: ignore[assignment, method-assign]
    submit(form, cookies)


def dies_after_the_commit(form: dict[str, str], cookies: dict[str, str]) -> None:
    sms_codes.ByCode.settle = die  # type: ignore[method-assign]
    submit(form, cookies)


@pytest.mark.parametrize(
    ("crashing", "left"), [(dies_after_writing, 0), (dies_after_the_claim, 0), (dies_after_the_commit, 1)]
)
def test_threat_6_kill_9_leaves_both_or_neither_and_the_same_form_can_be_sent_again(
    form: dict[str, str], person: Person, crashing: Any, left: int
) -> None:
    assert crash(crashing, form, cookies(person)) == -signal.SIGKILL
    assert (User.objects.count(), SocialAccount.objects.count()) == (left, left)
    status, answer = submit(form, cookies(person))
    assert status == 201, answer
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_threat_6_a_code_that_a_dead_process_claimed_serves_nobody_else(
    form: dict[str, str], person: Person, code: str
) -> None:
    crash(dies_after_the_claim, form, cookies(person))
    assert bind("F" * 32, code) == "sms_code_invalid"
    assert not User.objects.exists()


# ---------------------------------------------------------------- several devices


def test_two_devices_of_one_person_end_in_one_account(qq: Upstream, code: str) -> None:
    phone, laptop = Person(), Person()
    submits = []
    for device in (phone, laptop):
        ticket = device.callback().json()["access_token"]
        form = {"mobile": MOBILE, "password": PASSWORD, "sms_code": code, "access_token": ticket}
        submits.append((form, cookies(device)))
    answers = together(submit, submits)
    assert [status for status, _ in answers] == [201, 201]
    assert all_is_clean(answers)
