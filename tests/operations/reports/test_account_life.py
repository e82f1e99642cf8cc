"""Codes that are used in the account life."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from phonebind import life, tokens
from phonebind.operations.reports import pumping
from server.users.models import User
from tests.support.edge import Outbox, Person, Upstream

if not life.installed:
    pytest.skip("the account life is not installed here: LIFECYCLE=1", allow_module_level=True)

from phonebind.lifecycle.models import MobileProof


@pytest.mark.django_db(transaction=True)
def test_what_people_really_do_with_their_codes_is_seen(person: Person, qq: Upstream) -> None:
    """A first bind, and a step-up: each with an SMS that the person requested."""
    ticket = person.callback().json()["access_token"]
    person.ask_for_sms("13900000001")
    form = {"mobile": "13900000001", "password": "horse-staple-9", "access_token": ticket}
    assert person.bind(**form, sms_code=Outbox.sent[-1].code).status_code == 201

    other = User.objects.create_user("other", mobile="13900000002")
    now = timezone.now()
    MobileProof.objects.create(user=other, mobile="13900000002", first_proved_at=now, last_proved_at=now)
    bearer = {"Authorization": f"Bearer {tokens.issue(other)['token']}"}
    query = {"purpose": "verify", **person.see_image()}
    assert person.http.get("/account/sms_codes/", query, headers=bearer).status_code == 200
    answer = person.http.post("/account/verifications/", {"sms_code": Outbox.sent[-1].code}, headers=bearer)
    assert answer.status_code == 201, answer.content

    seen = pumping.see(datetime.now(UTC) + timedelta(minutes=6))
    assert (seen.sent, seen.numbers, seen.used) == (2, 2, 2)
