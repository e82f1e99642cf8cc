"""Operators see the webhook messages. With a permission they send some again. Nobody can add or change one."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from phonebind.operations.models import OutboxMessage, WebhookEndpoint
from phonebind.operations.webhooks import outbox
from tests.operations.webhooks.endpoints import SECRET, now, put

pytestmark = pytest.mark.django_db

LIST = "/admin/phonebind_operations/outboxmessage/"
ENDPOINTS = "/admin/phonebind_operations/webhookendpoint/"


@pytest.fixture(autouse=True)
def _endpoints(settings: Settings) -> None:
    # No messages about the operators themselves.
    entry = {"url": "https://crm.example/", "secret": SECRET, "types": ["account-enabled"]}
    settings.PHONEBIND = {**settings.PHONEBIND, "WEBHOOKS": {"crm": entry, "shop": entry}}


@pytest.fixture
def states() -> dict[str, OutboxMessage]:
    """One message in each state, all for crm."""
    names = ("new", "sending", "failed", "delivered", "given_up")
    messages = dict(zip(names, put("crm", count=len(names)), strict=True))
    later = timezone.now() + timedelta(hours=1)
    rows = {name: outbox.messages().filter(pk=message.pk) for name, message in messages.items()}
    rows["sending"].update(due_at=later, attempts=1)
    rows["failed"].update(due_at=later, attempts=1, last_error="500")
    rows["delivered"].update(due_at=None, attempts=1, delivered_at=later)
    rows["given_up"].update(due_at=None, attempts=10, last_error="400")
    return messages


def staff(*permissions: str) -> Client:
    model: Any = get_user_model()
    user = model.objects.create_user("operator", password="horse-battery-9", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def send_again(client: Client, *messages: OutboxMessage) -> Any:
    form = {"action": "send_again", "_selected_action": [str(each.pk) for each in messages]}
    return client.post(LIST, form, follow=True)


def listed(client: Client, **query: str) -> list[str]:
    page = client.get(LIST, query)
    assert page.status_code == 200
    return [str(row.pk) for row in page.context["cl"].result_list]


def test_they_are_listed_the_newest_first_and_filtered(admin_client: Client, states: dict[str, OutboxMessage]) -> None:
    keys = [str(key) for key in outbox.messages().values_list("pk", flat=True)]
    assert listed(admin_client) == sorted(keys, reverse=True)
    assert len(listed(admin_client, endpoint="crm")) == len(states)
    assert listed(admin_client, type="account-purged") == []
    assert set(listed(admin_client, state="given_up")) == {str(states["given_up"].pk)}
    assert set(listed(admin_client, state="delivered")) == {str(states["delivered"].pk)}
    waiting = {str(states[name].pk) for name in ("new", "sending", "failed")}
    assert set(listed(admin_client, state="waiting", endpoint="crm")) == waiting
    assert len(listed(admin_client, state="nonsense")) == outbox.messages().count()


def test_one_is_shown_and_nothing_in_it_can_be_edited(admin_client: Client, states: dict[str, OutboxMessage]) -> None:
    page = f"{LIST}{states['failed'].pk}/change/"
    assert "500" in admin_client.get(page).content.decode()
    assert admin_client.post(page, {"payload": "{}"}).status_code == 403
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{states['new'].pk}/delete/", {"post": "yes"}).status_code == 403


def test_what_is_over_or_has_failed_is_sent_again(admin_client: Client, states: dict[str, OutboxMessage]) -> None:
    answer = send_again(admin_client, *states.values())
    assert "3" in str(*answer.context["messages"])
    for name in ("failed", "delivered", "given_up"):
        row = now(states[name])
        assert (row.attempts, row.delivered_at, row.last_error) == (0, None, "")
        assert row.due_at is not None
    sending = now(states["sending"]).due_at
    assert sending is not None
    assert sending > timezone.now(), "it is on its way"
    assert LogEntry.objects.count() == len(states)


def test_who_may_only_look_sends_nothing_again(states: dict[str, OutboxMessage]) -> None:
    client = staff("view_outboxmessage")
    assert len(listed(client, endpoint="crm")) == len(states)
    send_again(client, states["given_up"])
    assert now(states["given_up"]).due_at is None


def test_who_may_not_look_sees_nothing(states: dict[str, OutboxMessage]) -> None:
    client = staff()
    assert client.get(LIST).status_code == client.get(ENDPOINTS).status_code == 403


def test_who_may_sends_again(states: dict[str, OutboxMessage]) -> None:
    send_again(staff("view_outboxmessage", "resend_outboxmessage"), states["given_up"])
    assert now(states["given_up"]).due_at is not None


def test_to_look_at_the_action_changes_nothing(admin_client: Client, states: dict[str, OutboxMessage]) -> None:
    query = {"action": "send_again", "_selected_action": str(states["given_up"].pk)}
    admin_client.get(LIST, query)
    assert now(states["given_up"]).due_at is None
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin_client.cookies
    assert strict.post(LIST, query).status_code == 403
    assert now(states["given_up"]).due_at is None


def test_an_endpoint_that_is_off_is_turned_on(admin_client: Client) -> None:
    outbox.turn_off("crm")
    assert outbox.rests("crm")
    assert "crm" in admin_client.get(ENDPOINTS).content.decode()
    assert admin_client.get(f"{ENDPOINTS}add/").status_code == 403
    assert admin_client.post(f"{ENDPOINTS}crm/change/", {"failures": 0}).status_code == 403
    assert admin_client.post(f"{ENDPOINTS}crm/delete/", {"post": "yes"}).status_code == 302
    assert not outbox.rests("crm")
    assert not WebhookEndpoint.objects.exists()


def test_what_a_row_is_called() -> None:
    [message, *_] = put("crm")
    assert str(message) == f"account-enabled {message.pk}"
    assert str(WebhookEndpoint(name="crm")) == "crm"
