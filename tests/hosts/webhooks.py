"""The events that are sent about each kind of user.

``tests/operations/webhooks/test_hosts`` runs this for each kind; pytest does not collect it by itself.
"""

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from phonebind.operations.models import OutboxMessage
from phonebind.operations.webhooks import checks
from tests.hosts.contract import FIELD, MOBILE, OTHER_MOBILE, known, stored
from tests.hosts.settings import KIND

pytestmark = pytest.mark.django_db(transaction=True)

WEBHOOKS = {"crm": {"url": "https://crm.example/", "secret": "whsec_d2ViaG9va3MtZm9yLW9wZXJhdGlvbnMtdGVzdHM="}}


def told() -> list[str]:
    rows = list(OutboxMessage.objects.all())
    OutboxMessage.objects.all().delete()
    assert KIND == "mobile_key" or not any(MOBILE in str(row.payload) for row in rows)
    return sorted(row.type for row in rows if row.type not in ("sessions-revoked", "session-revoked"))


def test_a_whole_life_is_told_once() -> None:
    with override_settings(PHONEBIND={**settings.PHONEBIND, "WEBHOOKS": WEBHOOKS}):
        errors = [each.id for each in checks.check_key()]
        assert errors == (["phonebind.E024"] if KIND == "mobile_key" else [])
        user: Any = known()
        has_it = any(field.name == "is_active" for field in user._meta.concrete_fields)
        assert told() == ["account-created"]
        user.save()
        assert told() == []
        user.set_password("another-horse-9")
        user.save()
        assert told() == ["credential-change"]
        user.is_active = False
        user.save()
        # If the table has no such column, no user can be disabled.
        assert told() == ["account-disabled"] * has_it
        user.is_active = True
        user.save()
        assert told() == ["account-enabled"] * has_it
        if KIND != "mobile_key":
            setattr(user, FIELD, stored(OTHER_MOBILE))
            user.save()
            assert told() == ["identifier-changed"]
        user.delete()
        assert told() == ["account-purged"]
