"""The code that proves a mobile."""

import re
import socket
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from django.utils import translation
from pytest_django import Settings

from phonebind import limits, sms_codes, store
from phonebind.exceptions import SmsCodeInvalid, SmsNotSent, SmsQuota, SmsTooFrequent, SmsUnconfirmed
from phonebind.sms import Message
from tests.support.edge import Configure, Outbox, Upstream

MOBILE = "13900000001"
OTHER = "13900000002"
ADDRESS = "192.0.2.1"
ME, YOU = "qq:1:ME", "qq:1:YOU"

pytestmark = pytest.mark.usefixtures("phonebind")


def issue(mobile: str = MOBILE) -> str:
    """The code as the phone shows it."""
    sms_codes.issue(mobile, ADDRESS)
    assert Outbox.sent[-1].mobile == mobile
    return Outbox.sent[-1].code


def check(code: str, mobile: str = MOBILE, claimant: str = ME) -> sms_codes.VerifiedMobile:
    return sms_codes.check(mobile, code, claimant=claimant, address=ADDRESS)


def wrong(code: str, by: int = 1) -> str:
    return f"{(int(code) + by) % 10**6:06}"


def wait(mobile: str = MOBILE) -> None:
    """Until another may be asked for."""
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
        kept = [client.dump(key) for key in client.scan_iter()] + list(
            client.hgetall(store.key("sms", MOBILE)).values()
        )
    assert not [value for value in kept if code.encode() in value]
    guessable = {sha256(text.encode()).hexdigest().encode() for text in (code, f"{MOBILE}:{code}", f"{MOBILE}{code}")}
    assert not guessable & set(kept)
    assert [value for value in kept if re.fullmatch(rb"[0-9a-f]{64}", value)]


def test_threat_9_without_the_key_a_kept_code_is_worth_nothing(settings: Settings) -> None:
    code = issue()
    settings.SECRET_KEY = "the thief's own"
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_threat_9_neither_code_nor_mobile_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    code = issue()
    sms_codes.settle(_claimed(code))
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


# ---------------------------------------------------------------- who gets in


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
    code = issue()
    for index in range(len(_spellings(code))):
        code = issue()
        with pytest.raises(SmsCodeInvalid):
            check(_spellings(code)[index])
        check(code)


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


def test_guesses_at_a_code_that_was_never_sent_leave_nothing_behind() -> None:
    with pytest.raises(SmsCodeInvalid):
        check("000000")
    with store.connection() as client:
        assert not client.exists(store.key("sms", MOBILE))


def test_a_code_lives_for_five_minutes_whatever_happens_to_it() -> None:
    code = issue()
    with pytest.raises(SmsCodeInvalid):
        check(wrong(code))
    sms_codes.settle(_claimed(code))
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
        sms_codes.claim(verified)
    sms_codes.settle(verified)
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
    sms_codes.settle(_claimed(code))
    for guess in range(1, 6):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(code, guess))
    with pytest.raises(SmsCodeInvalid):
        check(code)


def test_a_new_code_replaces_the_one_before_and_its_guesses() -> None:
    first = issue()
    for guess in range(1, 5):
        with pytest.raises(SmsCodeInvalid):
            check(wrong(first, guess))
    verified = check(first)
    wait()
    second = issue()
    if second != first:
        with pytest.raises(SmsCodeInvalid):
            check(first)
        with pytest.raises(SmsCodeInvalid):
            sms_codes.claim(verified)
    check(second)


# ---------------------------------------------------------------- claimed, settled


def _claimed(code: str, claimant: str = ME) -> sms_codes.VerifiedMobile:
    verified = check(code, claimant=claimant)
    assert sms_codes.claim(verified)
    return verified


def test_threat_11_two_who_both_gave_the_right_code_cannot_both_use_it() -> None:
    code = issue()
    mine, yours = check(code, claimant=ME), check(code, claimant=YOU)
    assert sms_codes.claim(mine)
    with pytest.raises(SmsCodeInvalid):
        sms_codes.claim(yours)
    with pytest.raises(SmsCodeInvalid):
        check(code, claimant=YOU)


def test_threat_6_whoever_claimed_and_crashed_can_claim_again() -> None:
    code = issue()
    _claimed(code)
    _claimed(code)


def test_threat_11_after_the_commit_a_repeat_is_recognised() -> None:
    code = issue()
    sms_codes.settle(_claimed(code))
    assert sms_codes.claim(check(code)) is False


def test_only_the_claimant_settles() -> None:
    code = issue()
    yours = check(code, claimant=YOU)
    _claimed(code, ME)
    sms_codes.settle(yours)
    assert sms_codes.claim(check(code)) is True


def test_settling_without_a_claim_uses_nothing_up() -> None:
    verified = check(issue())
    sms_codes.settle(verified)
    assert sms_codes.claim(verified) is True


# ---------------------------------------------------------------- the keys change


@pytest.fixture
def rotate(settings: Settings) -> Callable[[], None]:
    """A new key; the one before still counts."""

    def turn() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        settings.SECRET_KEY = f"new after {settings.SECRET_KEY}"

    return turn


def test_a_rotated_key_breaks_no_code_that_is_under_way(rotate: Callable[[], None]) -> None:
    code = issue()
    rotate()
    verified = check(code)
    rotate()
    assert sms_codes.claim(verified) is True
    rotate()
    assert sms_codes.claim(check(code)) is True
    sms_codes.settle(verified)
    rotate()
    assert sms_codes.claim(check(code)) is False


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


def test_threat_13_ten_a_day_for_one_mobile() -> None:
    for _ in range(10):
        issue()
        wait()
    with pytest.raises(SmsQuota):
        issue()
    assert len(Outbox.sent) == 10
    issue(OTHER)


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
    """One at the other end of a real connection, which takes what it is given."""
    phonebind(sms={"gateway": "phonebind.sms.sandbox.Sandbox", "url": f"{upstream.url}/"}, total_timeout=0.2)
    upstream.answer("/", {"status": "ok"})
    return upstream


def read(gateway: Upstream) -> str:
    """The code, from the phone that it has reached."""
    found = re.search(r"\d{6}", gateway.requests[-1][1]["text"])
    assert found
    return found[0]


def counted(name: str, subject: str) -> int:
    with store.connection() as client:
        return int(client.hget(limits.key(name, subject), "taken") or 0)


#: Reached: the message may be on its way.
OPEN: dict[str, dict[str, Any]] = {
    "late": {"body": b'{"status": "ok"}', "delay": 0.4},
    "garbage": {"body": b"<html>"},
    "empty": {"body": b""},
    "500": {"body": b"", "status": 500},
    "502": {"body": b"", "status": 502},
    "504": {"body": b"", "status": 504},
    "redirect": {"body": b"", "status": 302},
    "hangs up": {"body": b"", "raw": ()},
    "half an answer": {"body": b"", "raw": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",)},
}
#: Refused: it is not.
REFUSED: dict[str, dict[str, Any]] = {
    "refused": {"body": b'{"status": "refused"}'},
    "400": {"body": b'{"status": "error"}', "status": 400},
    "403": {"body": b"", "status": 403},
    "503": {"body": b"", "status": 503},
}


@pytest.mark.parametrize("fault", OPEN)
def test_threat_13_a_gateway_that_leaves_it_open_sends_once_and_the_code_is_good(gateway: Upstream, fault: str) -> None:
    """Whoever makes it slow has no SMS for nothing."""
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


def test_threat_13_what_was_left_open_counts_for_the_day(gateway: Upstream) -> None:
    gateway.answer("/", **OPEN["500"])
    for _ in range(10):
        with pytest.raises(SmsUnconfirmed):
            sms_codes.issue(MOBILE, ADDRESS)
        wait()
    with pytest.raises(SmsQuota):
        sms_codes.issue(MOBILE, ADDRESS)
    assert len(gateway.requests) == 10


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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}/"
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
    """Refuses only after the person has got another code."""

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


def test_threat_14_what_could_not_be_sent_takes_no_code_away(phonebind: Configure) -> None:
    """The one that is on the phone already; where there is no place at the gateway nothing is touched either."""
    phonebind(limits={"sms_mobile_gap": (9, 60)})
    sms_codes.issue(MOBILE, ADDRESS)
    code = Outbox.sent[-1].code
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        sms_codes.issue(MOBILE, ADDRESS)
    assert check(code, claimant=ME).number == MOBILE


def test_the_sms_says_for_how_many_minutes_it_is_good(phonebind: Configure) -> None:
    sms_codes.issue(MOBILE, ADDRESS)
    assert Outbox.sent[-1].minutes == 5
    assert "5.0" not in Outbox.sent[-1].text
