import json
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains

from phonebind_sandbox import faults
from phonebind_sandbox.sms_codes import ALIYUN_CODES
from tests.sandbox.client import Answer

DEFAULTS = {name: switch.default for name, switch in faults.SWITCHES.items()}


def _faults_json() -> str:
    return reverse("phonebind_sandbox:faults_json")


def _page() -> str:
    return reverse("phonebind_sandbox:faults")


def _post(client: Client, changes: object) -> Answer:
    return client.post(_faults_json(), json.dumps(changes), content_type="application/json")


def test_every_switch_is_off_at_first(client: Client) -> None:
    assert client.get(_faults_json()).json() == DEFAULTS
    assert DEFAULTS["token_error"] == "none"


@pytest.mark.parametrize("switch", faults.SWITCHES.values(), ids=faults.SWITCHES)
def test_every_position_can_be_set_and_read_back(client: Client, switch: faults.Switch) -> None:
    for value in switch.values:
        assert _post(client, {switch.name: value}).json() == {**DEFAULTS, switch.name: value}
        assert type(client.get(_faults_json()).json()[switch.name]) is type(value)


def test_a_post_turns_only_what_it_names(client: Client) -> None:
    _post(client, {"callback": "twice"})
    assert _post(client, {"token_error": 100020}).json() == {**DEFAULTS, "callback": "twice", "token_error": 100020}


@pytest.mark.parametrize("reset", ["post", "delete"])
def test_all_can_be_turned_back(client: Client, reset: str) -> None:
    _post(client, {"callback": "twice", "sms": "lost"})
    response = client.delete(_faults_json()) if reset == "delete" else _post(client, {"reset": True})
    assert response.json() == DEFAULTS


def test_a_reset_may_come_with_new_positions(client: Client) -> None:
    _post(client, {"callback": "twice"})
    assert _post(client, {"reset": True, "sms": "lost"}).json() == {**DEFAULTS, "sms": "lost"}


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"callback": "thrice"}, ["once", "twice", "cancel", "usercancel"]),
        ({"callback": None}, ["once", "twice", "cancel", "usercancel"]),
        ({"openid_in_token": 1}, [True, False]),
        ({"callback": "twice", "nonsense": 1}, list(faults.SWITCHES)),
        ({"reset": "yes"}, list(faults.SWITCHES)),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(client: Client, changes: object, allowed: list[object]) -> None:
    response = _post(client, changes)
    assert response.status_code == 400
    assert response.json()["allowed"] == allowed
    assert client.get(_faults_json()).json() == DEFAULTS


@pytest.mark.parametrize("body", ["", "[]", "[" * 50_000, '{"callback"'])
def test_what_is_no_object_is_refused(client: Client, body: str) -> None:
    assert client.post(_faults_json(), body, content_type="application/json").status_code == 400


def test_the_page_offers_what_the_table_lists(client: Client) -> None:
    page = unescape(client.get(_page()).content.decode())
    for switch in faults.SWITCHES.values():
        assert switch.zh in page
        assert switch.en in page
        assert f'<select id="{switch.name}" name="{switch.name}">' in page
        assert all(f'<option value="{choice}"' in page for choice in switch.choices)
    assert page.count(" selected>") == len(faults.SWITCHES)


def test_the_page_turns_switches_and_shows_which(client: Client) -> None:
    response = client.post(
        _page(), {"token_error": "100020", "openid_in_token": "false", "slow_seconds": "0.2"}, follow=True
    )
    turned = {"token_error": 100020, "openid_in_token": False, "slow_seconds": 0.2}
    assert client.get(_faults_json()).json() == {**DEFAULTS, **turned}
    assertContains(response, "<code>openid_in_token=false</code>")
    assertContains(response, '<option value="100020" selected>100020 code is reused error</option>', count=1)
    assertContains(client.get(reverse("phonebind_sandbox:index")), "<code>token_error=100020</code>")
    # Two vendors have an error code with the same name and different texts.
    assertContains(response, '<option value="InternalError">InternalError An internal error has occurred.</option>')
    assertContains(response, ALIYUN_CODES["InternalError"], count=1)


def test_the_page_turns_all_back(client: Client) -> None:
    faults.write({"callback": "twice"})
    client.post(_page(), {"reset": "1", "callback": "twice"})
    assert faults.read() == DEFAULTS


def test_the_page_refuses_what_it_does_not_offer(client: Client) -> None:
    assert client.post(_page(), {"callback": "thrice"}).status_code == 400
