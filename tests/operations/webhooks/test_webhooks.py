"""The setting, and its checks."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from phonebind.operations.models import OutboxMessage
from phonebind.operations.webhooks import checks
from tests.operations.webhooks.endpoints import OTHER_SECRET, SECRET

ENTRY = {"url": "https://crm.example/hooks", "secret": SECRET}


def told(settings: Settings, **entries: Any) -> list[str]:
    """The messages of the checks, with their ids."""
    settings.PHONEBIND = {**settings.PHONEBIND, "WEBHOOKS": entries}
    found = [each for check in checks.CHECKS for each in check()]
    assert SECRET not in str(found)
    return [f"{each.id} {each.msg}" for each in found]


def test_nothing_is_wrong_with_a_good_entry(settings: Settings) -> None:
    rotated = {"secret": OTHER_SECRET, "fallback_secrets": [SECRET], "types": ["account-purged"]}
    assert told(settings, crm=ENTRY, other=ENTRY | rotated) == []


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"url": "https://crm.example/"}, "missing: secret"),
        (ENTRY | {"headers": {}}, "unknown: 'headers'"),
        (ENTRY | {"url": "crm.example"}, "url must be"),
        (ENTRY | {"url": "ftp://crm.example/"}, "url must be"),
        (ENTRY | {"url": "https://[crm"}, "url must be"),
        (ENTRY | {"url": None}, "url must be"),
        (ENTRY | {"url": "https://me:secret@crm.example/"}, "url must be"),
        (ENTRY | {"secret": "whsec_c2hvcnQ="}, "24 bytes or more"),
        (ENTRY | {"secret": SECRET.removeprefix("whsec_")}, "24 bytes or more"),
        (ENTRY | {"secret": "whsec_%%%"}, "24 bytes or more"),
        (ENTRY | {"secret": None}, "24 bytes or more"),
        (ENTRY | {"fallback_secrets": ["whsec_c2hvcnQ="]}, "24 bytes or more"),
        (ENTRY | {"fallback_secrets": OTHER_SECRET}, "must be a list"),
        (ENTRY | {"types": ["account-born"]}, "there is no type 'account-born'"),
        (ENTRY | {"types": "account-created"}, "types must be a list"),
        ("https://crm.example/", "must be a dict"),
    ],
)
def test_what_is_wrong_is_told(settings: Settings, entry: Any, problem: str) -> None:
    [said] = told(settings, crm=entry)
    assert said.startswith("phonebind.E022 PHONEBIND['WEBHOOKS']['crm']: ")
    assert problem in said


def test_a_name_fits_its_column(settings: Settings) -> None:
    [said] = told(settings, **{"x" * 65: ENTRY})
    assert "1 to 64 characters" in said


def test_plain_http_is_warned_of_in_production(settings: Settings, start_with_debug: Any) -> None:
    plain = ENTRY | {"url": "http://crm.example/"}
    assert told(settings, crm=plain) == []
    start_with_debug(False)
    assert told(settings, crm=plain) == ["phonebind.W021 PHONEBIND['WEBHOOKS']['crm']['url'] is not https."]
    assert told(settings, crm=ENTRY) == []


def test_a_setting_that_is_no_dict_is_told_once(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "WEBHOOKS": ["https://crm.example/"]}
    assert [each.id for each in run_checks(tags=["phonebind"])] == ["phonebind.E001"]


class Apart:
    """Routes the outbox to another database than the users."""

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if model is OutboxMessage else None


def test_the_outbox_lies_where_the_users_do(settings: Settings) -> None:
    settings.DATABASE_ROUTERS = [Apart()]
    [said] = told(settings, crm=ENTRY)
    assert said.startswith("phonebind.E023 ")
    assert told(settings) == []


def test_no_message_has_the_mobile_as_a_key(settings: Settings) -> None:
    # As if the mobile number were the primary key.
    settings.PHONEBIND = {**settings.PHONEBIND, "MOBILE_FIELD": "id"}
    assert any(said.startswith("phonebind.E024 ") for said in told(settings, crm=ENTRY))


def test_manage_py_check_runs_them(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "WEBHOOKS": {"crm": ENTRY | {"types": ["nothing"]}}}
    with pytest.raises(SystemCheckError, match="E022"):
        call_command("check", tags=["phonebind"])


def test_the_docstring_lists_every_id() -> None:
    source = Path(checks.__file__).read_text()
    listed = set(re.findall(r"[EW]0[0-9]{2}", checks.__doc__ or ""))
    assert listed == set(re.findall(r'id="phonebind\.(\w+)"', source))
