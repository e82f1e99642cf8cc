"""What is counted, under which names; and that no content of a request becomes a name."""

import logging
import re

import pytest
from django.test import Client, RequestFactory

from phonebind import calls, limits, signals, sms_codes
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, SmsCodeGone, SmsCodeInvalid, SmsNotSent
from phonebind.operations.events import words
from phonebind.operations.monitoring import labels, metrics, series
from phonebind.sms import PURPOSES, Message
from phonebind.sms.registry import attempt
from tests.operations.monitoring.counts import NAMES, Counted, count, series_of
from tests.support.edge import Configure, Outbox, Person, Upstream

pytestmark = pytest.mark.once

MOBILE, ADDRESS = "13900000001", "192.0.2.1"


def test_the_names_and_labels_are_the_documented_ones() -> None:
    made = {
        f"{metric._name}_total" if metric._type == "counter" else metric._name: metric._labelnames
        for metric in (each._metric if isinstance(each, series.Family) else each for each in vars(series).values())
        if hasattr(metric, "_labelnames") and not isinstance(metric, type)
    }
    assert made == NAMES


@pytest.mark.django_db
def test_a_sign_in_is_counted_by_type_outcome_and_provider(qq: Upstream, counted: Counted) -> None:
    event = {"type": "callback", "outcome": "not_bound", "provider": "qq"}
    step = {"provider": "qq", "step": "/oauth2.0/token"}
    counted("phonebind_events_total", **event)
    counted("phonebind_upstream_duration_seconds_count", **step)
    assert Person().callback().status_code == 200
    assert counted("phonebind_events_total", **event) == 1
    assert counted("phonebind_upstream_duration_seconds_count", **step) == 1


@pytest.mark.django_db
def test_threat_64_no_request_makes_a_series(phonebind: Configure) -> None:
    """A client that makes up names fills neither our memory nor the disk of the server that scrapes."""
    client, before = Client(), series_of("phonebind_events_total")
    for number in range(30):
        client.get(f"/oauth/nobody{number}/user/", {"code": "C", "state": f"S{number}"})
        client.get(f"/oauth/nobody{number}/authorization/", headers={"X-Request-ID": f"R{number}"})
        client.get(f"/sms_codes/1390000{number:04}/", {"purpose": f"P{number}"})
        client.post("/authorizations/", {"username": f"N{number}", "password": "x"}, content_type="application/json")
    added = series_of("phonebind_events_total") - before
    assert len(added) < 10
    assert not re.search(r"nobody|P[0-9]|N[0-9]|1390000", str(added))


def test_what_is_in_no_set_is_other(counted: Counted) -> None:
    expected: list[tuple[str, dict[str, str], float]] = [
        ("phonebind_events_total", {"type": "other", "outcome": "other", "provider": "other"}, 1),
        ("phonebind_limit_refusals_total", {"rule": "other"}, 1),
        ("phonebind_sms_total", {"purpose": "other", "gateway": "aliyun", "outcome": "other"}, 1),
        ("phonebind_sms_codes_total", {"purpose": "other", "outcome": "other"}, 1),
        ("phonebind_sessions_ended_total", {"reason": "other"}, 2),
        ("phonebind_number_state_total", {"answer": "other"}, 1),
    ]
    assert not any(counted(name, **of) for name, of, _ in expected)
    record = {"action": "made_up", "outcome": "no_such_code", "provider": "evil", "limit": "mine"}
    signals.audited.send_robust(sender=None, record=record, mobile="", request=RequestFactory().get("/"))
    signals.sms_attempted.send_robust(sender=None, gateway="aliyun", purpose="fun", outcome="odd", seconds=1.0)
    signals.sms_code_checked.send_robust(sender=None, purpose="fun", outcome="odd")
    signals.sessions_ended.send_robust(sender=None, reason="a host's own words", count=2)
    signals.number_state_asked.send_robust(sender=None, answer="perhaps")
    assert [(name, of, counted(name, **of)) for name, of, _ in expected] == expected


def test_errors_of_whoever_are_outcomes() -> None:
    class HostsOwn(PhonebindError):
        code = "hosts_own"

    assert {"hosts_own", "storage_unavailable", "owner_unclear", "sms_code_invalid"} <= words.error_codes()


@pytest.mark.django_db
def test_a_refusal_is_counted_by_its_limit(phonebind: Configure, counted: Counted) -> None:
    phonebind(limits={"image_address_hour": (0, 3600)})
    counted("phonebind_limit_refusals_total", rule="image_address_hour")
    assert Client().get("/image_codes/6f0ef2a6-54c0-4f0e-8a0e-0d4c0d4d2f11/").status_code == 429
    assert counted("phonebind_limit_refusals_total", rule="image_address_hour") == 1


def test_each_try_of_a_gateway_is_counted_and_timed(phonebind: Configure, counted: Counted) -> None:
    message = Message(mobile=MOBILE, code="123456", minutes=5, text="123456", purpose="verify")
    sent, refused = ({"purpose": "verify", "gateway": "Outbox", "outcome": each} for each in ("sent", "not_now"))
    step = {"provider": "Outbox", "step": "sms"}
    for labelled in (sent, refused):
        counted("phonebind_sms_total", **labelled)
    counted("phonebind_upstream_duration_seconds_count", **step)
    attempt(Outbox(), message)
    Outbox.refuse = True
    with pytest.raises(SmsNotSent):
        attempt(Outbox(), message)
    assert (counted("phonebind_sms_total", **sent), counted("phonebind_sms_total", **refused)) == (1, 1)
    assert counted("phonebind_upstream_duration_seconds_count", **step) == 2


def test_codes_are_right_wrong_burnt_or_expired(phonebind: Configure, counted: Counted) -> None:
    def check(code: str) -> None:
        sms_codes.check(MOBILE, code, claimant="qq:1:ME", address=ADDRESS)

    ends = ("right", "wrong", "burnt", "expired")
    for end in ends:
        counted("phonebind_sms_codes_total", purpose="bind", outcome=end)
    sms_codes.issue(MOBILE, ADDRESS, holder="qq:1:ME")
    code = Outbox.sent[-1].code
    check(code)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for number in range(1, 8):
        with pytest.raises(SmsCodeInvalid if number < sms_codes.MAX_GUESSES else SmsCodeGone):
            check(wrong)
    assert [counted("phonebind_sms_codes_total", purpose="bind", outcome=end) for end in ends] == [1, 4, 1, 2]


def test_series_that_alarms_compare_are_there_before_anything_happens() -> None:
    """Prometheus sees no increase in a series that begins with 1."""
    assert {dict(each)["rule"] for each in series_of("phonebind_limit_refusals_total")} >= {*limits.RULES}
    assert {dict(each)["reason"] for each in series_of("phonebind_sessions_ended_total")} >= labels.REASONS
    there = {(dict(each)["purpose"], dict(each)["outcome"]) for each in series_of("phonebind_sms_codes_total")}
    assert there >= {(purpose, end) for purpose in PURPOSES for end in ("right", "wrong", "burnt", "expired")}
    assert series_of("phonebind_refresh_reuse_total") == {()}


def test_beyond_its_bound_a_family_counts_as_other() -> None:
    before = count("phonebind_upstream_duration_seconds_count", provider="other", step="other")
    for number in range(series.upstream_duration._most + 5):
        with calls.observed(f"provider{number}", "step"):
            pass
    made = series_of("phonebind_upstream_duration_seconds_count")
    assert len(made) <= series.upstream_duration._most + 1
    assert count("phonebind_upstream_duration_seconds_count", provider="other", step="other") > before
    # Otherwise the tests after this one would have no room for their series.
    for values in [values for values in series.upstream_duration._series if values[0].startswith("provider")]:
        if series.upstream_duration._series.pop(values)._labelvalues == values:
            series.upstream_duration._metric.remove(*values)


def test_what_goes_wrong_in_it_is_logged_once_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*values: str) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(series.sms_codes, "of", fail)
    monkeypatch.setattr(series.upstream_duration, "of", fail)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            told = signals.sms_code_checked.send_robust(None, purpose="bind", outcome="right")
            assert all(answer is None for _, answer in told)
            with calls.observed("qq", "token"):
                pass
    assert [record.getMessage() for record in caplog.records] == ["An event was not counted in the metrics"]


def test_a_process_may_stop_counting_and_go_on_answering(counted: Counted) -> None:
    counted("phonebind_sms_codes_total", purpose="bind", outcome="right")
    metrics.stop()
    try:
        assert not metrics.counts()
        signals.sms_code_checked.send_robust(None, purpose="bind", outcome="right")
        assert counted("phonebind_sms_codes_total", purpose="bind", outcome="right") == 0
    finally:
        metrics.install()
    metrics.install()  # a second call changes nothing
    signals.sms_code_checked.send_robust(None, purpose="bind", outcome="right")
    assert counted("phonebind_sms_codes_total", purpose="bind", outcome="right") == 1
    assert conf.metrics_token
