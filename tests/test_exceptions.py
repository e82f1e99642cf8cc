"""The errors, as the contract lists them."""

import re

import pytest

from phonebind import exceptions
from phonebind.exceptions import (
    Invalid,
    Limited,
    PhonebindError,
    SmsCodeGone,
    SmsMisconfigured,
    SmsNotSent,
    SmsUnconfirmed,
    SmsVendorLimit,
    StateInvalid,
    TicketInvalid,
    Unavailable,
)

CONTRACT = {
    400: {
        "invalid",
        "next_not_allowed",
        "state_invalid",
        "code_invalid",
        "sign_in_cancelled",
        "snapshot_user",
        "ticket_invalid",
        "image_code_invalid",
        "human_check_invalid",
        "sms_code_invalid",
        "sms_refused",
        "mobile_proof_invalid",
        "mobile_proof_too_weak",
        "password_wrong",
        "already_bound",
    },
    401: {"credentials_invalid", "token_invalid"},
    403: {"account_disabled", "origin_not_allowed"},
    404: {"provider_unknown", "receipt_unknown"},
    429: {"too_many_requests", "sms_too_frequent", "sms_quota", "too_many_attempts"},
    502: {"sms_not_sent"},
    503: {
        "provider_unavailable",
        "storage_unavailable",
        "human_check_unavailable",
        "mobile_proof_unavailable",
        "server_busy",
    },
}

EVERY = [value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, PhonebindError)]
OUTCOMES = [error for error in EVERY if hasattr(error, "code")]


def test_codes_and_statuses_are_those_of_the_contract() -> None:
    found: dict[int, set[str]] = {}
    for error in OUTCOMES:
        found.setdefault(error.status, set()).add(error.code)
    assert found == CONTRACT


def test_no_two_outcomes_share_a_code_unless_one_is_a_kind_of_the_other() -> None:
    own = [error for error in OUTCOMES if "code" in vars(error)]
    assert len({error.code for error in own}) == len(own)
    assert set(OUTCOMES) - set(own) == {SmsCodeGone, SmsMisconfigured, SmsUnconfirmed, SmsVendorLimit}


def test_everything_is_exported() -> None:
    assert sorted(exceptions.__all__) == sorted(error.__name__ for error in EVERY)


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+)(.*)", exceptions.__doc__ or ""))
    assert set(drawn) == {error.__name__ for error in EVERY} - {"PhonebindError"}
    for error in OUTCOMES:
        assert error.code in drawn[error.__name__]
        assert any(str(error.status) in drawn.get(kind.__name__, "") for kind in error.__mro__)


@pytest.mark.parametrize("error", [error for error in OUTCOMES if issubclass(error, Limited)])
def test_a_limit_says_when_to_come_back(error: type[Limited]) -> None:
    assert error(retry_after=7).retry_after == 7


@pytest.mark.parametrize("error", [error for error in OUTCOMES if issubclass(error, Unavailable)])
def test_what_is_down_says_when_to_come_back(error: type[Unavailable]) -> None:
    assert error().retry_after


def test_the_field_to_blame_carries_the_message() -> None:
    assert TicketInvalid().errors == {"access_token": [TicketInvalid.message]}


def test_an_answer_says_what_there_is_to_say_and_no_more() -> None:
    ticket, limit = TicketInvalid(), Limited(retry_after=7)
    limit.code, limit.message = "c", "m"
    assert ticket.body == {"code": "ticket_invalid", "message": ticket.message, "errors": ticket.errors}
    assert limit.body == {"code": "c", "message": "m", "retry_after": 7}
    assert SmsNotSent().body == {"code": "sms_not_sent", "message": SmsNotSent.message}
    assert (ticket.headers, limit.headers) == ({}, {"Retry-After": "7"})


def test_where_no_field_is_to_blame_none_is_named() -> None:
    assert StateInvalid().errors == {}
    assert Invalid().errors == {}


def test_invalid_input_names_the_first_thing_to_repair() -> None:
    error = Invalid({"password": ["Too short.", "Too common."], "mobile": ["Not a number."]})
    assert error.message == "Too short."
    assert error.errors == {"password": ["Too short.", "Too common."], "mobile": ["Not a number."]}


def test_one_wrong_input_leaves_no_trace_on_the_next() -> None:
    Invalid({"mobile": ["Not a number."]}, status=405)
    assert (Invalid().message, Invalid().status) == (Invalid.message, 400)
