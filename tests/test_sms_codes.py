"""The code that proves a mobile."""

import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, ClassVar

import pytest
import time_machine
from django.utils import translation
from pytest_django import Settings

from phonebind import limits, signals, sms_codes, store
from phonebind.exceptions import (
    PhonebindError,
    SmsCodeGone,
    SmsCodeInvalid,
    SmsNotSent,
    SmsQuota,
    SmsRefused,
    SmsTooFrequent,
    SmsUnconfirmed,
    SmsVendorLimit,
    StorageUnavailable,
    TooManyAttempts,
)
from phonebind.sms import Message
from server.processes import Valkey
from tests.support.edge import LATE, Configure, Outbox, Upstream
from tests.support.ports import free_port

MOBILE = "13900000001"
OTHER = "13900000002"
ADDRESS = "192.0.2.1"
ME, YOU = "qq:1:ME", "qq:1:YOU"
HOUR, DAY = 3_600, 86_400
#: A moment at which a counter of an hour and one of a day both begin.
NOON = 1_800_000_000

pytestmark = pytest.mark.usefixtures("phonebind")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Python's clock stands still until a test moves it. The store is told what time it is."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def issue(mobile: str = MOBILE, holder: str = "") -> str:
    """The code as the phone shows it."""
    sms_codes.issue(mobile, ADDRESS, holder=holder)
    assert Outbox.sent[-1].mobile == mobile
    return Outbox.sent[-1].code


def issue_another(mobile: str = MOBILE, holder: str = "") -> str:
    """Issue another one, as soon as the limits allow it."""
    wait(mobile)
    return issue(mobile, holder)


def check(code: str, mobile: str = MOBILE, claimant: str = ME) -> sms_codes.ByCode:
    return sms_codes.check(mobile, code, claimant=claimant, address=ADDRESS)


def wrong(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 10**6:06}"


def is_right(code: str, mobile: str = MOBILE, claimant: str = ME) -> bool:
    try:
        check(code, mobile, claimant)
    except SmsCodeInvalid:
        return False
    return True


def wait(mobile: str = MOBILE) -> None:
    """Wait until the next one may be asked for."""
    with store.connection() as client:
        client.delete(limits.key("sms_mobile_gap", mobile))


# ---------------------------------------------------------------- what is sent, and what is kept


def test_threat_9_six_digits_each_as_likely_as_the_other(phonebind: Configure) -> None:
    phonebind(limits=dict.fromkeys(limits.RULES, (1000, 60)))
    codes = [issue() for _ in range(300)]
    assert all(re.fullmatch(r"[0-9]{6}", code) for code in codes)
    assert len(set(codes)) > 290
    assert {code[0] for code in codes} == set("0123456789")


def test_threat_9_what_is_kept_tells_nobody_the_code() -> None:
    code = issue()
    with store.connection() as client:
        dumps = [client.dump(key) for key in client.scan_iter()]
        fields = client.hgetall(store.key("sms", MOBILE))
    kept = b" ".join([*dumps, *fields, *fields.values()])
    assert code.encode() not in kept
    guessable = {sha256(text.encode()).hexdigest().encode() for text in (code, f"{MOBILE}:{code}", f"{MOBILE}{code}")}
    found = re.findall(rb"\b[0-9a-f]{64}\b", b" ".join(fields))
    assert len(set(found)) == 1
    assert not guessable & set(found)


def test_threat_9_without_the_key_a_kept_code_is_worth_nothing(settings: Settings) -> None:
    code = issue()
    settings.SECRET_KEY = "the thief's own"
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_threat_9_neither_code_nor_mobile_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    code = issue()
    _claimed(code).settle()
    Outbox.refuse = True
    wait()
    with pytest.raises(SmsNotSent):
        issue()
    Outbox.refuse = False
    issue()
    with pytest.raises(SmsTooFrequent):
        issue()
    assert code not in caplog.text
    assert MOBILE not in caplog.text


def test_threat_9_no_traceback_shows_a_code() -> None:
    code = issue()
    assert code not in repr(Outbox.sent[-1])
    verified = check(code)
    assert not [digest for digest in verified.digests if digest in repr(verified)]


@pytest.mark.parametrize(("language", "purpose"), [("en", "bind"), ("zh-hans", "绑定")])
def test_threat_15_the_sms_says_what_it_is_for(phonebind: Configure, language: str, purpose: str) -> None:
    phonebind(site_name="一号店 Shop")
    with translation.override(language):
        code = issue()
    message = Outbox.sent[-1]
    assert code in message.text
    assert "一号店 Shop" in message.text
    assert "5" in message.text.replace(code, "")
    assert re.search(purpose, message.text)
    assert (message.mobile, message.minutes) == (MOBILE, 5)


def test_a_name_with_a_percent_sign_is_a_name(phonebind: Configure) -> None:
    phonebind(site_name="100% %(code)s 店")
    issue()
    assert "100% %(code)s 店" in Outbox.sent[-1].text


# ---------------------------------------------------------------- which code is accepted


def test_the_right_code_gets_in_as_often_as_it_is_sent() -> None:
    code = issue()
    assert check(code).number == check(code).number == MOBILE


def test_threat_11_a_code_proves_one_mobile() -> None:
    code = issue()
    issue(OTHER)
    if Outbox.sent[-1].code != code:
        with pytest.raises(SmsCodeInvalid):
            check(code, mobile=OTHER)
    with pytest.raises(SmsCodeInvalid):
        check(code, mobile="13900000003")


def test_threat_11_a_code_that_was_kept_for_one_mobile_does_not_serve_another() -> None:
    code = issue()
    with store.connection() as client:
        client.copy(store.key("sms", MOBILE), store.key("sms", OTHER))
    with pytest.raises(SmsCodeInvalid):
        check(code, mobile=OTHER)


def _spellings(code: str) -> list[str]:
    fullwidth = code.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    return ["", code[:5], f"{code}0", f" {code}", f"{code}\n", f"{code}\x00", fullwidth, "-1", "false", code * 50_000]


def test_a_code_has_one_spelling(phonebind: Configure) -> None:
    phonebind(limits=dict.fromkeys(limits.RULES, (1000, 60)))
    for index in range(len(_spellings("000000"))):
        mobile = f"139000001{index:02}"
        code = issue(mobile)
        with pytest.raises(SmsCodeInvalid):
            check(_spellings(code)[index], mobile)
        check(code, mobile)


def test_never_sent_is_exactly_like_wrong() -> None:
    code = issue()
    with pytest.raises(SmsCodeInvalid) as never:
        check(code, mobile=OTHER)
    with pytest.raises(SmsCodeInvalid) as mistaken:
        check(wrong(code))
    assert (never.value.code, never.value.message, never.value.errors) == (
        mistaken.value.code,
        mistaken.value.message,
        mistaken.value.errors,
    )


def test_who_was_sent_a_code_is_told_when_it_has_ended(clock: time_machine.Traveller) -> None:
    code = issue(holder=ME)
    with pytest.raises(SmsCodeInvalid) as wrongly:
        check(wrong(code), claimant=ME)
    assert type(wrongly.value) is SmsCodeInvalid, "it is alive"
    clock.shift(300)
    with store.connection() as client:
        client.delete(store.key("sms", MOBILE))  # its own clock did not move
    with pytest.raises(SmsCodeGone) as gone:
        check(code, claimant=ME)
    assert (gone.value.code, list(gone.value.errors)) == ("sms_code_invalid", ["sms_code"])
    clock.shift(300)
    with store.connection() as client:
        assert 595 < client.ttl(store.key("sms_sent", MOBILE)) <= 600


def test_who_burns_their_own_code_is_told_at_once() -> None:
    code = issue(holder=ME)
    told = []
    for guess in range(1, 8):
        with pytest.raises(SmsCodeInvalid) as caught:
            check(wrong(code, guess), claimant=ME)
        told.append(type(caught.value))
    assert told == [SmsCodeInvalid] * 4 + [SmsCodeGone] * 3
    another = issue_another(holder=ME)
    assert is_right(another, claimant=ME)


def test_threat_43_nobody_is_told_of_the_codes_of_others(clock: time_machine.Traveller, phonebind: Configure) -> None:
    """The answer does not show whether another person is binding this number at the moment, nor with which ticket."""
    phonebind(limits=dict.fromkeys(limits.RULES, (1000, 60)))
    told: set[tuple[type, str]] = set()

    def tell(claimant: str, guess: str = "") -> None:
        with pytest.raises(SmsCodeInvalid) as caught:
            check(guess or wrong(code), claimant=claimant)
        told.add((type(caught.value), str(caught.value.message)))

    code = "000000"
    tell(YOU)  # an SMS was never sent
    code = issue(holder=ME)
    tell(YOU)
    for _ in range(5):
        tell(YOU, code)
    code = issue_another()
    for guess in range(1, 6):
        tell(YOU, wrong(code, guess))
    tell(YOU, code)  # too many wrong guesses
    clock.shift(300)
    tell(YOU, code)  # expired
    assert len(told) == 1


def test_threat_43_the_codes_of_others_are_no_codes_of_ones_own(clock: time_machine.Traveller) -> None:
    """The answer is about this person's own codes, whether other people have valid codes or not."""
    mine = issue(holder=ME)
    clock.shift(300)
    issue_another()
    with pytest.raises(SmsCodeGone):
        check(mine, claimant=ME)
    with store.connection() as client:
        client.delete(store.key("sms", MOBILE))
    with pytest.raises(SmsCodeGone):
        check(mine, claimant=ME)


def test_guesses_at_a_code_that_was_never_sent_leave_nothing_behind() -> None:
    with pytest.raises(SmsCodeInvalid):
        check("000000")
    with store.connection() as client:
        assert not client.exists(store.key("sms", MOBILE))


def test_a_code_lives_for_five_minutes_whatever_happens_to_it() -> None:
    code = issue()
    with pytest.raises(SmsCodeInvalid):
        check(wrong(code))
    _claimed(code).settle()
    with store.connection() as client:
        assert 295 < client.ttl(store.key("sms", MOBILE)) <= 300
        client.pexpire(store.key("sms", MOBILE), 0)
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_a_code_that_expires_between_check_and_claim_is_gone() -> None:
    verified = check(issue())
    with store.connection() as client:
        client.pexpire(store.key("sms", MOBILE), 0)
    with pytest.raises(SmsCodeInvalid):
        verified.claim()
    verified.settle()
    with store.connection() as client:
        assert not client.exists(store.key("sms", MOBILE))


def test_threat_10_five_wrong_guesses_burn_the_code() -> None:
    code = issue()
    for guess in range(1, 6):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code, guess))
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_threat_10_four_do_not_but_a_right_one_between_forgives_none() -> None:
    code = issue()
    for guess in range(1, 5):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code, guess))
        check(code)
    with pytest.raises(SmsCodeInvalid):
        check(wrong(code))
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_threat_10_many_guessers_share_five_guesses() -> None:
    code = issue()
    for guess in range(1, 6):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code, guess), claimant=f"qq:1:{guess}")
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_threat_10_a_claimed_code_can_be_burnt_too() -> None:
    code = issue()
    _claimed(code).settle()
    for guess in range(1, 6):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code, guess))
    with pytest.raises(SmsCodeInvalid):
        check(code)


# ---------------------------------------------------------------- several codes


def test_threat_43_a_new_sms_does_not_take_away_the_code_that_is_on_the_phone() -> None:
    codes = [issue_another() for _ in range(3)]
    assert len(set(codes)) == 3
    assert [is_right(code) for code in codes] == [True] * 3
    verified = check(codes[0])
    assert verified.claim()


def test_of_four_codes_the_last_three_are_valid() -> None:
    codes = [issue_another(holder=ME) for _ in range(4)]
    assert [is_right(code) for code in codes] == [False, True, True, True]


def test_each_code_ends_by_itself(clock: time_machine.Traveller) -> None:
    first = issue()
    clock.shift(200)
    second = issue_another()
    clock.shift(99.999)
    assert is_right(first)
    verified = check(first)
    clock.shift(0.001)
    assert not is_right(first)
    with pytest.raises(SmsCodeInvalid):
        verified.claim()
    assert is_right(second)
    clock.shift(200)
    assert not is_right(second)


def test_what_is_kept_ends_with_the_last_code(clock: time_machine.Traveller) -> None:
    issue()
    with store.connection() as client:
        client.pexpire(store.key("sms", MOBILE), 100_000)
    clock.shift(200)
    issue_another()
    with store.connection() as client:
        assert 295 < client.ttl(store.key("sms", MOBILE)) <= 300
        Outbox.refuse = True
        for _ in range(3):
            with pytest.raises(SmsNotSent):
                issue_another()
        assert 295 < client.ttl(store.key("sms", MOBILE)) <= 300
    assert len(kept()) == 2


def kept() -> set[bytes]:
    """The digests of the codes in the store."""
    with store.connection() as client:
        fields = client.hgetall(store.key("sms", MOBILE))
    return {name.partition(b":")[2] for name in fields if not name.startswith(b"tries:")}


def test_codes_that_have_ended_leave_nothing_behind(clock: time_machine.Traveller) -> None:
    """Other codes follow before the store has removed all of them."""
    for _ in range(5):
        _claimed(issue_another()).settle()
        clock.shift(HOUR)
    issue_another()
    assert len(kept()) == 1


def test_threat_10_five_wrong_guesses_burn_all_codes_together() -> None:
    codes = [issue_another() for _ in range(3)]
    strange = next(code for code in map("{:06}".format, range(10)) if code not in codes)
    for guess in range(1, 6):
        assert [is_right(code) for code in codes] == [True] * 3, guess
        assert not is_right(strange)
    assert [is_right(code) for code in codes] == [False] * 3


def test_threat_10_another_code_gives_no_more_guesses() -> None:
    """Otherwise an attacker who has a new SMS sent after each four guesses could guess forever."""
    codes = [issue()]
    for _ in range(4):
        assert not is_right(wrong(codes[0]))
    codes.append(issue_another())
    assert is_right(codes[1])
    assert not is_right(next(code for code in map("{:06}".format, range(10)) if code not in codes))
    assert [is_right(code) for code in codes] == [False, False]
    # All codes are gone, so counting starts again.
    code = issue_another()
    for guess in range(1, 5):
        assert not is_right(wrong(code, guess), claimant=YOU)
    assert is_right(code)


def test_threat_10_an_sms_that_is_not_sent_gives_no_more_guesses() -> None:
    code = issue()
    for guess in range(1, 5):
        assert not is_right(wrong(code, guess))
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        issue_another()
    assert is_right(code)
    assert not is_right(wrong(code))
    assert not is_right(code)


# ---------------------------------------------------------------- codes for a person who holds a ticket


def test_threat_43_a_code_for_one_identity_is_nobody_elses() -> None:
    code = issue(holder=ME)
    verified = check(code)
    assert not is_right(code, claimant=YOU)
    with pytest.raises(SmsCodeInvalid):
        sms_codes.ByCode(MOBILE, YOU, verified.digests).claim()
    assert verified.claim()


def test_threat_43_nobody_burns_the_code_of_another_identity(phonebind: Configure) -> None:
    """This holds however many guess, and whatever else they have had sent to the mobile."""
    phonebind(limits=dict.fromkeys(limits.RULES, (1000, 60)))
    code = issue(holder=ME)
    for guesser in range(20):
        for guess in range(1, 6):
            assert not is_right(wrong(code, guess), claimant=f"qq:1:{guesser}")
    for holder in ("", YOU, ""):
        burnt = issue(holder=holder)
        for guess in range(1, 6):
            assert not is_right(wrong(burnt, guess), claimant=YOU)
        assert not is_right(burnt, claimant=YOU)
    assert is_right(code)


def test_threat_43_the_codes_of_others_take_nobodys_place(phonebind: Configure) -> None:
    phonebind(limits=dict.fromkeys(limits.RULES, (1000, 60)))
    mine, open_one = issue(holder=ME), issue()
    theirs = [issue(holder=YOU) for _ in range(4)]
    assert is_right(mine)
    assert is_right(open_one)
    assert [is_right(code, claimant=YOU) for code in theirs] == [False, True, True, True]
    anybodys = [issue() for _ in range(3)]
    assert is_right(mine)
    assert [is_right(code) for code in (open_one, *anybodys)] == [False, True, True, True]


def test_threat_10_a_wrong_guess_is_one_at_every_code_that_it_might_have_been_right_for() -> None:
    mine, open_one, yours = issue(holder=ME), issue_another(), issue_another(holder=YOU)
    strange = next(code for code in map("{:06}".format, range(10)) if code not in (mine, open_one, yours))
    for guess in (strange, strange, strange, yours):  # for my ticket, yours is a wrong guess
        assert not is_right(guess)
    assert is_right(mine)
    assert is_right(open_one)
    assert not is_right(strange)
    assert not is_right(mine)
    assert not is_right(open_one)
    assert is_right(yours, claimant=YOU)
    assert not is_right(open_one, claimant=YOU)


def test_threat_10_guesses_before_there_was_a_code_do_not_count_against_it() -> None:
    open_one = issue()
    for guess in range(1, 5):
        assert not is_right(wrong(open_one, guess))
    mine = issue_another(holder=ME)
    for guess in range(4):
        assert not is_right(next(code for code in map("{:06}".format, range(10)) if code not in (mine, open_one)))
        assert is_right(mine), guess
    assert not is_right(open_one)


def test_threat_43_settling_one_identitys_code_leaves_anothers() -> None:
    mine, open_one, yours = issue(holder=ME), issue_another(), issue_another(holder=YOU)
    _claimed(mine).settle()
    assert [is_right(mine), is_right(open_one)] == [True, False]
    assert check(yours, claimant=YOU).claim()


# ---------------------------------------------------------------- one of several codes is claimed


def test_a_code_that_another_has_claimed_is_no_wrong_guess_for_the_others() -> None:
    codes = [issue_another() for _ in range(2)]
    _claimed(codes[0], YOU)
    for _ in range(6):
        assert not is_right(codes[0])
    assert is_right(codes[1])
    assert is_right(codes[0], claimant=YOU)


def test_threat_11_one_person_may_claim_one_code_and_another_the_other() -> None:
    """This holds while nothing is committed: the database decides which of them is first."""
    codes = [issue_another() for _ in range(2)]
    mine, yours = check(codes[0], claimant=ME), check(codes[1], claimant=YOU)
    assert mine.claim()
    assert yours.claim()
    yours.settle()
    assert not is_right(codes[0])
    with pytest.raises(SmsCodeInvalid):
        mine.claim()


def test_threat_11_when_one_code_is_settled_the_others_are_gone() -> None:
    codes = [issue_another() for _ in range(3)]
    verified = check(codes[0])
    _claimed(codes[1]).settle()
    assert [is_right(code) for code in codes] == [False, True, False]
    with pytest.raises(SmsCodeInvalid):
        verified.claim()
    assert check(codes[1]).claim() is False


def test_two_live_codes_never_have_the_same_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([7, 7, 7, 8, 8, 7, 9])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(drawn))
    assert [issue_another() for _ in range(3)] == ["000007", "000008", "000009"]


def test_the_digits_of_a_code_that_has_ended_are_a_new_code(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new code is open, and no identity has claimed it."""
    monkeypatch.setattr(secrets, "randbelow", lambda _: 7)
    _claimed(issue(), YOU).settle()
    clock.shift(300)
    issue_another()
    assert check("000007").claim() is True


# ---------------------------------------------------------------- guesses of one person, or from one address


def guess_at(number: int, claimant: str, address: str) -> str:
    """A wrong code for a mobile that no other person guesses at. Returns the outcome."""
    try:
        sms_codes.check(f"139{number:08}", "000000", claimant=claimant, address=address)
    except PhonebindError as error:
        return error.code
    return "right"


def test_threat_49_ten_wrong_codes_an_hour_for_one_identity() -> None:
    code = issue()
    outcomes = [guess_at(number, ME, f"192.0.2.{number}") for number in range(1000, 1012)]
    assert outcomes == ["sms_code_invalid"] * 10 + ["too_many_attempts"] * 2
    with pytest.raises(TooManyAttempts) as refused:
        check(code)
    assert refused.value.limit == "sms_code_identity_hour"
    assert refused.value.retry_after in range(HOUR - 10, HOUR + 1)
    assert is_right(code, claimant=YOU)


def test_threat_49_a_hundred_wrong_codes_an_hour_from_one_address() -> None:
    code = issue()
    outcomes = Counter(guess_at(number, f"qq:1:{number}", ADDRESS) for number in range(1000, 1102))
    assert outcomes == {"sms_code_invalid": 100, "too_many_attempts": 2}
    with pytest.raises(TooManyAttempts) as refused:
        check(code)
    assert refused.value.limit == "sms_code_address_hour"
    assert sms_codes.check(MOBILE, code, claimant=ME, address="192.0.2.2").number == MOBILE


def test_threat_49_right_codes_cost_nothing() -> None:
    code = issue()
    for _ in range(30):
        check(code)
    assert guess_at(1, ME, ADDRESS) == "sms_code_invalid"


def test_threat_49_a_code_that_another_has_claimed_is_a_wrong_one() -> None:
    code = issue()
    _claimed(code, YOU)
    for _ in range(10):
        assert not is_right(code)
    with pytest.raises(TooManyAttempts):
        check(code)


def test_threat_49_a_refused_guess_is_not_compared(phonebind: Configure) -> None:
    """So a refused client learns nothing by it, and makes no other person's code invalid."""
    phonebind(limits={"sms_code_identity_hour": (1, HOUR)})
    code = issue()
    assert not is_right(wrong(code))
    for guess in (code, *[wrong(code)] * 9):
        with pytest.raises(TooManyAttempts):
            check(guess)
    assert is_right(code, claimant=YOU)


# ---------------------------------------------------------------- claimed, settled


def _claimed(code: str, claimant: str = ME) -> sms_codes.ByCode:
    verified = check(code, claimant=claimant)
    assert verified.claim()
    return verified


def test_threat_11_two_who_both_gave_the_right_code_cannot_both_use_it() -> None:
    code = issue()
    mine, yours = check(code, claimant=ME), check(code, claimant=YOU)
    assert mine.claim()
    with pytest.raises(SmsCodeInvalid):
        yours.claim()
    with pytest.raises(SmsCodeInvalid):
        check(code, claimant=YOU)


def test_threat_6_whoever_claimed_and_crashed_can_claim_again() -> None:
    code = issue()
    _claimed(code)
    _claimed(code)


def test_threat_11_after_the_commit_a_repeat_is_recognised() -> None:
    code = issue()
    _claimed(code).settle()
    assert check(code).claim() is False


def test_hosts_claim_and_settle_by_the_functions() -> None:
    code = issue()
    verified = check(code)
    assert sms_codes.claim(verified) is True
    sms_codes.settle(verified)
    assert sms_codes.claim(check(code)) is False


def test_only_the_claimant_settles() -> None:
    code = issue()
    yours = check(code, claimant=YOU)
    _claimed(code, ME)
    yours.settle()
    assert check(code).claim() is True


def test_settling_without_a_claim_uses_nothing_up() -> None:
    verified = check(issue())
    verified.settle()
    assert verified.claim() is True


# ---------------------------------------------------------------- the keys change


@pytest.fixture
def rotate(settings: Settings) -> Callable[[], None]:
    """Make a new key; the one before is still accepted."""

    def turn() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = f"new after {settings.SECRET_KEY}"

    return turn


def test_a_rotated_key_breaks_no_code_that_is_under_way(rotate: Callable[[], None]) -> None:
    code = issue()
    rotate()
    verified = check(code)
    rotate()
    assert verified.claim() is True
    rotate()
    assert check(code).claim() is True
    verified.settle()
    rotate()
    assert check(code).claim() is False


def test_with_several_keys_a_wrong_guess_still_counts_once(rotate: Callable[[], None]) -> None:
    rotate()
    rotate()
    code = issue()
    for guess in range(1, 5):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code, guess))
    check(code)


def test_a_server_that_still_has_the_old_key_alone_is_not_fooled(settings: Settings) -> None:
    code, old = issue(), settings.SECRET_KEY
    settings.SECRET_KEY = "new"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(SmsCodeInvalid):
        check(code)
    settings.SECRET_KEY = old
    check(code)


# ---------------------------------------------------------------- how often


def test_whoever_asks_is_told_how_long_to_wait_and_how_long_it_is_good() -> None:
    assert sms_codes.issue(MOBILE, ADDRESS) == sms_codes.Sent(resend_after=60, expires_in=300)


def test_threat_13_once_a_minute() -> None:
    issue()
    with pytest.raises(SmsTooFrequent) as refused:
        issue()
    assert refused.value.retry_after in range(55, 61)
    assert len(Outbox.sent) == 1


def test_a_refused_request_leaves_the_code_before_it_alone() -> None:
    code = issue()
    with pytest.raises(SmsTooFrequent):
        issue()
    check(code)


def sent_in(clock: time_machine.Traveller, seconds: int, holders: tuple[str, ...] = ("",)) -> list[str]:
    """The people who get an SMS to the mobile when all ask again and again, from as many addresses as necessary.

    Each of ``holders`` is an identity that has a ticket, or "".
    """
    sent: list[str] = []
    step = 60 if seconds <= HOUR else 900
    for _ in range(0, seconds, step):
        for holder in holders:
            wait()
            try:
                sms_codes.issue(MOBILE, f"192.0.2.{len(sent)}", holder=holder)
            except SmsQuota:
                continue
            sent.append(holder)
        clock.shift(step)
    return sent


def test_threat_43_who_holds_no_ticket_may_have_three_an_hour_and_six_a_day(clock: time_machine.Traveller) -> None:
    assert len(sent_in(clock, HOUR)) == 3
    assert len(sent_in(clock, DAY - HOUR)) == 3
    issue_another(OTHER)


def test_threat_13_five_an_hour_and_ten_a_day_for_one_mobile_whoever_asks(clock: time_machine.Traveller) -> None:
    crowd = ("", *(f"qq:1:{number}" for number in range(20)))
    assert len(sent_in(clock, HOUR, crowd)) == 5
    assert len(sent_in(clock, DAY - HOUR, crowd)) == 5
    issue_another(OTHER)


def test_threat_43_one_identity_may_have_one_an_hour_and_two_a_day_of_the_rest(clock: time_machine.Traveller) -> None:
    sent_in(clock, 180)
    assert sent_in(clock, HOUR - 180, (ME,)) == [ME]
    clock.shift(-HOUR + 180)
    # For all mobiles together.
    for _ in range(3):
        issue_another(OTHER)
    with pytest.raises(SmsQuota) as refused:
        issue_another(OTHER, holder=ME)
    assert refused.value.limit == "sms_identity_hour"
    assert issue_another(OTHER, holder=YOU)


def test_threat_43_a_ticket_costs_nothing_while_the_open_part_lasts(clock: time_machine.Traveller) -> None:
    assert sent_in(clock, 180, (ME,)) == [ME] * 3
    assert limits.spent("sms_identity_day", ME) == (0, 0)
    assert sent_in(clock, 60, (ME,)) == [ME]
    assert limits.spent("sms_identity_day", ME) == (1, 1)


def test_a_holder_is_told_the_shorter_wait(clock: time_machine.Traveller) -> None:
    """The part of the quota that is for all has a wait, and so has the part that is kept for the holder."""
    sent_in(clock, 3 * DAY, (ME,))
    with pytest.raises(SmsQuota) as nobody:
        issue_another()
    with pytest.raises(SmsQuota) as holder:
        issue_another(holder=ME)
    assert holder.value.retry_after == nobody.value.retry_after
    assert holder.value.retry_after in range(1, DAY * 13 // 12)


def test_threat_43_one_identity_may_have_three_a_month_of_the_rest(clock: time_machine.Traveller) -> None:
    """So each further day of an attack costs the attacker further identities."""
    had = 0
    for _ in range(10):
        had += len(sent_in(clock, DAY, (ME,))) - limits.rule("sms_mobile_open_day").limit
    assert had == 3


def test_threat_43_one_identity_and_all_who_have_none_leave_the_owner_one_an_hour_and_two_a_day(
    clock: time_machine.Traveller,
) -> None:
    sent_in(clock, HOUR - 60, ("", YOU))
    assert sent_in(clock, 60, ("", YOU, ME)) == [ME]
    sent_in(clock, DAY - 2 * HOUR, ("", YOU))
    assert sent_in(clock, 60, ("", YOU, ME)) == [ME]


def test_threat_43_the_rest_is_bounded_like_all_else(clock: time_machine.Traveller, phonebind: Configure) -> None:
    """The limits are: the gap, the address, what the human check adds, and the site."""
    phonebind(limits={"sms_address_hour": (4, HOUR), "sms_site_hour": (6, HOUR)})
    for _ in range(3):
        issue_another()
    issue_another(holder=ME)
    with pytest.raises(SmsTooFrequent):
        sms_codes.issue(MOBILE, "192.0.2.2", holder=YOU)
    with pytest.raises(SmsQuota) as refused:
        issue_another(holder=YOU)
    assert refused.value.limit == "sms_address_hour"
    limits.take(*[("no_image_address_hour", "192.0.2.2")] * 5)
    with pytest.raises(SmsQuota) as refused:
        sms_codes.issue(MOBILE, "192.0.2.2", ("no_image_address_hour", "192.0.2.2"), holder=YOU)
    assert refused.value.limit == "no_image_address_hour"
    limits.take(*[("sms_site_hour", limits.SITE)] * 2)
    with pytest.raises(SmsQuota) as refused:
        sms_codes.issue(MOBILE, "192.0.2.2", holder=YOU)
    assert refused.value.limit == "sms_site_hour"
    assert limits.spent("sms_identity_hour", YOU) == (0, 0)


def test_threat_14_an_sms_of_the_rest_that_was_not_sent_costs_nothing(clock: time_machine.Traveller) -> None:
    for _ in range(3):
        issue_another()
    before = counts()
    wait()
    Outbox.refuse = True
    for _ in range(5):
        with pytest.raises(SmsNotSent):
            issue(holder=ME)
    assert counts() == before
    Outbox.refuse = False
    assert is_right(issue(holder=ME))
    assert limits.spent("sms_identity_hour", ME) == (1, 1)


def counts() -> dict[bytes, Any]:
    """The counts of all limits of SMS, except the gap."""
    with store.connection() as client:
        return {key: client.hgetall(key) for key in client.keys("*{limits}*") if b"gap" not in key}


def test_threat_13_twenty_an_hour_for_one_address() -> None:
    for number in range(20):
        issue(f"139000001{number:02}")
    with pytest.raises(SmsQuota):
        issue()
    sms_codes.issue(MOBILE, "192.0.2.2")


def test_threat_14_a_gateway_that_refuses_costs_nothing() -> None:
    Outbox.refuse = True
    for _ in range(25):
        with pytest.raises(SmsNotSent):
            issue()
    Outbox.refuse = False
    check(issue())


def test_threat_14_a_code_that_was_not_sent_proves_nothing() -> None:
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        issue()
    with store.connection() as client:
        assert not client.exists(store.key("sms", MOBILE))


# ---------------------------------------------------------------- a gateway over the network


@pytest.fixture
def gateway(upstream: Upstream, phonebind: Configure) -> Upstream:
    """A gateway at the other end of a real connection. It accepts each message."""
    phonebind(sms={"gateway": "phonebind.sms.sandbox.Sandbox", "url": f"{upstream.url}/"}, total_timeout=0.2)
    upstream.answer("/", {"status": "ok"})
    return upstream


def read(gateway: Upstream) -> str:
    """The code, from the phone that received it."""
    found = re.search(r"\d{6}", gateway.requests[-1][1]["text"])
    assert found
    return found[0]


def counted(name: str, subject: str) -> int:
    total, _ = limits.spent(name, subject)
    return total


#: Answers that leave it open: the message may be on its way.
OPEN: dict[str, dict[str, Any]] = {
    "late": {"body": b'{"status": "ok"}', "delay": LATE},
    "garbage": {"body": b"<html>"},
    "empty": {"body": b""},
    "500": {"body": b"", "status": 500},
    "502": {"body": b"", "status": 502},
    "504": {"body": b"", "status": 504},
    "redirect": {"body": b"", "status": 302},
    "hangs up": {"body": b"", "raw": ()},
    "half an answer": {"body": b"", "raw": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",)},
}
#: Answers that refuse: the message was not sent.
REFUSED: dict[str, dict[str, Any]] = {
    "refused": {"body": b'{"status": "refused"}'},
    "400": {"body": b'{"status": "error"}', "status": 400},
    "403": {"body": b"", "status": 403},
    "503": {"body": b"", "status": 503},
}


@pytest.mark.parametrize("fault", OPEN)
def test_threat_13_a_gateway_that_leaves_it_open_sends_once_and_the_code_is_good(gateway: Upstream, fault: str) -> None:
    """An attacker who makes the gateway slow gets no SMS without a count."""
    gateway.answer("/", **OPEN[fault])
    with pytest.raises(SmsUnconfirmed) as unconfirmed:
        sms_codes.issue(MOBILE, ADDRESS)
    assert unconfirmed.value.retry_after == 60
    for _ in range(5):
        with pytest.raises(SmsTooFrequent):
            sms_codes.issue(MOBILE, ADDRESS)
    assert len(gateway.requests) == 1
    assert counted("sms_mobile_day", MOBILE) == counted("sms_address_hour", ADDRESS) == 1
    check(read(gateway))


def test_threat_13_what_was_left_open_counts(gateway: Upstream) -> None:
    gateway.answer("/", **OPEN["500"])
    for _ in range(3):
        with pytest.raises(SmsUnconfirmed):
            sms_codes.issue(MOBILE, ADDRESS)
        wait()
    with pytest.raises(SmsQuota):
        sms_codes.issue(MOBILE, ADDRESS)
    assert len(gateway.requests) == 3
    assert counted("sms_mobile_open_day", MOBILE) == counted("sms_mobile_day", MOBILE) == 3


@pytest.mark.parametrize("refusal", [SmsRefused(), SmsVendorLimit(1800)], ids=lambda refusal: type(refusal).__name__)
def test_a_code_that_the_vendor_refused_is_good_for_nothing(refusal: Exception) -> None:
    code = issue()
    Outbox.error = refusal
    with pytest.raises(type(refusal)):
        issue_another()
    with store.connection() as client:
        kept = re.findall(rb"[0-9a-f]{64}", b" ".join(client.hgetall(store.key("sms", MOBILE))))
    assert len(set(kept)) == 1, "that of the code on the phone"
    assert is_right(code)


@pytest.mark.parametrize(("active", "said"), [("en", "en"), ("zh-hans", "zh-hans"), (None, "zh-hans")])
def test_a_message_says_what_it_is_for_and_in_which_language(active: str | None, said: str) -> None:
    with translation.override(active):
        sms_codes.issue(MOBILE, ADDRESS)
    [message] = Outbox.sent
    assert (message.purpose, message.language, message.e164) == ("bind", said, f"+86{MOBILE}")
    assert re.fullmatch(r"[0-9a-z]{16,32}", message.id)


def test_no_two_messages_have_one_id() -> None:
    assert len({Message(mobile=MOBILE, code="0", minutes=5, text="").id for _ in range(1000)}) == 1000


def test_the_wait_is_the_hosts_own(gateway: Upstream, phonebind: Configure) -> None:
    phonebind(limits={"sms_mobile_gap": (1, 90)})
    gateway.answer("/", **OPEN["500"])
    with pytest.raises(SmsUnconfirmed) as unconfirmed:
        sms_codes.issue(MOBILE, ADDRESS)
    assert unconfirmed.value.retry_after == 90


@pytest.mark.parametrize("fault", REFUSED)
def test_threat_14_a_gateway_that_refuses_counts_for_nothing(gateway: Upstream, fault: str) -> None:
    gateway.answer("/", **REFUSED[fault])
    for _ in range(25):
        with pytest.raises(SmsNotSent) as refused:
            sms_codes.issue(MOBILE, ADDRESS)
        assert (refused.type, refused.value.retry_after) == (SmsNotSent, None)
    with pytest.raises(SmsCodeInvalid):
        check(read(gateway))
    assert counted("sms_mobile_day", MOBILE) == counted("sms_address_hour", ADDRESS) == 0
    gateway.answer("/", {"status": "ok"})
    sms_codes.issue(MOBILE, ADDRESS)
    check(read(gateway))


def test_threat_14_a_gateway_that_cannot_be_reached_counts_for_nothing(gateway: Upstream, phonebind: Configure) -> None:
    there = gateway.url
    nowhere = f"http://127.0.0.1:{free_port()}/"
    phonebind(sms={"gateway": "phonebind.sms.sandbox.Sandbox", "url": nowhere})
    for _ in range(25):
        with pytest.raises(SmsNotSent) as refused:
            sms_codes.issue(MOBILE, ADDRESS)
        assert refused.type is SmsNotSent
    assert counted("sms_mobile_day", MOBILE) == counted("sms_address_hour", ADDRESS) == 0
    phonebind(sms={"gateway": "phonebind.sms.sandbox.Sandbox", "url": f"{there}/"})
    sms_codes.issue(MOBILE, ADDRESS)
    check(read(gateway))


class Slow(Outbox):
    """A gateway that refuses only after the person has got another code."""

    def send(self, message: Message) -> None:
        if not Outbox.sent:
            Outbox.sent.append(message)
            wait()
            issue()
            raise SmsNotSent
        Outbox.sent.append(message)


def test_a_late_refusal_takes_away_no_newer_code(phonebind: Configure) -> None:
    phonebind(sms={"gateway": f"{__name__}.Slow"})
    with pytest.raises(SmsNotSent):
        issue()
    check(Outbox.sent[1].code)


def test_threat_14_what_could_not_be_sent_takes_no_code_away() -> None:
    """It does not take away one of the three that are on the phone already. Without a free slot at the gateway, nothing
    changes.
    """
    codes = [issue_another() for _ in range(3)]
    Outbox.refuse = True
    for _ in range(4):
        with pytest.raises(SmsNotSent):
            issue_another(holder=ME)
    assert [is_right(code) for code in codes] == [True] * 3


# ---------------------------------------------------------------- the store goes down


class Stopping(Outbox):
    """While it sends, the store goes down. With ``back`` it comes up again. After that it sends as ``Outbox`` does."""

    valkey: ClassVar[Valkey]
    back: ClassVar[bool] = True
    stops: ClassVar[int] = 1

    def send(self, message: Message) -> None:
        if Stopping.stops:
            Stopping.stops -= 1
            Stopping.valkey.stop()
            if Stopping.back:
                Stopping.valkey.start()
        super().send(message)


@pytest.fixture
def stopping(valkey: Valkey, phonebind: Configure) -> type[Stopping]:
    phonebind(sms={"gateway": f"{__name__}.Stopping"})
    Stopping.valkey, Stopping.back, Stopping.stops = valkey, True, 1
    return Stopping


def test_threat_14_a_code_is_known_before_it_is_sent(phonebind: Configure) -> None:
    """Otherwise, when the store goes down during sending, an SMS is paid for and counted, and its code does not
    work.
    """
    phonebind(sms={"gateway": f"{__name__}.Impatient"})
    Impatient.accepted = []
    issue()
    assert Impatient.accepted == [True]


class Impatient(Outbox):
    """The person reads the SMS and enters the code before the gateway has answered us."""

    accepted: ClassVar[list[bool]] = []

    def send(self, message: Message) -> None:
        super().send(message)
        Impatient.accepted.append(is_right(message.code))


def test_threat_14_the_store_goes_away_while_the_sms_is_sent_and_comes_back(stopping: type[Stopping]) -> None:
    assert sms_codes.issue(MOBILE, ADDRESS) == sms_codes.Sent(resend_after=60, expires_in=300)
    assert is_right(Outbox.sent[-1].code)
    assert counted("sms_mobile_day", MOBILE) == 1


def test_threat_14_the_store_is_away_after_the_sms_was_sent(
    stopping: type[Stopping], caplog: pytest.LogCaptureFixture
) -> None:
    stopping.back = False
    assert sms_codes.issue(MOBILE, ADDRESS) == sms_codes.Sent(resend_after=60, expires_in=300)
    [line] = [record for record in caplog.records if record.name == "phonebind.sms_codes"]
    assert (line.levelno, line.exc_info) == (logging.WARNING, None)
    assert MOBILE not in line.getMessage()
    stopping.valkey.start()
    assert is_right(Outbox.sent[-1].code)


def test_threat_14_the_store_is_away_when_the_gateway_leaves_it_open(stopping: type[Stopping]) -> None:
    stopping.back = False
    Outbox.mute = True
    with pytest.raises(SmsUnconfirmed):
        sms_codes.issue(MOBILE, ADDRESS)
    stopping.valkey.start()
    assert is_right(Outbox.sent[-1].code)
    assert counted("sms_mobile_day", MOBILE) == 1


def test_threat_14_the_store_is_away_when_the_gateway_refuses(
    stopping: type[Stopping], caplog: pytest.LogCaptureFixture
) -> None:
    """The person is told what happened to the SMS. The operator is told what could not be undone."""
    stopping.back = False
    Outbox.refuse = True
    with pytest.raises(SmsNotSent) as refused:
        sms_codes.issue(MOBILE, ADDRESS)
    assert refused.type is SmsNotSent
    assert {record.levelno for record in caplog.records if record.name == "phonebind.sms_codes"} == {logging.WARNING}
    stopping.valkey.start()
    Outbox.refuse = False
    assert is_right(issue_another())


def test_threat_14_the_store_was_away_for_a_moment_when_the_gateway_refused(stopping: type[Stopping]) -> None:
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        sms_codes.issue(MOBILE, ADDRESS)
    assert not counts()
    with store.connection() as client:
        assert not client.keys()


def test_threat_14_without_the_store_nothing_is_sent(valkey: Valkey) -> None:
    valkey.stop()
    with pytest.raises(StorageUnavailable):
        issue()
    assert not Outbox.sent
    valkey.start()
    assert not counts()
    assert is_right(issue())


def test_threat_14_where_the_code_cannot_be_written_nothing_is_sent_and_nothing_counted() -> None:
    """In a cluster, the shard that stores the code may be down or full while the shard that counts works."""
    with store.connection() as client:
        client.set(store.key("sms", MOBILE), "no hash")
        for _ in range(4):
            with pytest.raises(StorageUnavailable):
                issue()
        assert not Outbox.sent
        assert client.keys() == [store.key("sms", MOBILE).encode()]
        client.delete(store.key("sms", MOBILE))
    assert is_right(issue())


def test_threat_14_the_store_goes_away_between_counting_and_writing(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store cannot be asked to give back what it counted, so the count stays. But no SMS was sent."""
    drawn = secrets.randbelow

    def stop(most: int) -> int:
        valkey.stop()
        return drawn(most)

    with monkeypatch.context() as patched:
        patched.setattr(secrets, "randbelow", stop)
        with pytest.raises(StorageUnavailable):
            issue()
    assert not Outbox.sent
    valkey.start()
    assert counted("sms_mobile_day", MOBILE) == 1
    assert is_right(issue_another())


def test_the_sms_says_for_how_many_minutes_it_is_good(phonebind: Configure) -> None:
    sms_codes.issue(MOBILE, ADDRESS)
    assert Outbox.sent[-1].minutes == 5
    assert "5.0" not in Outbox.sent[-1].text


# ---------------------------------------------------------------- the signal for metrics


@pytest.fixture
def ends() -> Iterator[list[tuple[str, str]]]:
    """Purpose and outcome, as the signal sends them."""
    heard: list[tuple[str, str]] = []

    def hear(purpose: str, outcome: str, **kwargs: Any) -> None:
        heard.append((purpose, outcome))

    signals.sms_code_checked.connect(hear)
    yield heard
    signals.sms_code_checked.disconnect(hear)


def test_the_signal_tells_right_from_wrong(ends: list[tuple[str, str]]) -> None:
    code = issue()
    with pytest.raises(SmsCodeInvalid):
        check(wrong(code))
    check(code)
    assert ends == [("bind", "wrong"), ("bind", "right")]


@pytest.mark.parametrize("holder", ["", ME])
def test_the_signal_tells_the_guess_that_burns_them_and_then_that_none_is_alive(
    ends: list[tuple[str, str]], holder: str
) -> None:
    code = issue(holder=holder)
    for _ in range(sms_codes.MAX_GUESSES + 1):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code))
    assert [end for _, end in ends] == ["wrong"] * (sms_codes.MAX_GUESSES - 1) + ["burnt", "expired"]


def test_the_signal_tells_a_code_that_has_expired(ends: list[tuple[str, str]], clock: time_machine.Traveller) -> None:
    code = issue()
    clock.shift(sms_codes.EXPIRES_IN + 1)
    with pytest.raises(SmsCodeInvalid):
        check(code)
    assert ends == [("bind", "expired")]


def test_the_signal_says_nothing_of_what_a_limit_refuses_to_look_at(
    ends: list[tuple[str, str]], phonebind: Configure
) -> None:
    phonebind(limits={"sms_code_address_hour": (0, HOUR)})
    with pytest.raises(TooManyAttempts):
        check("123456")
    assert ends == []
