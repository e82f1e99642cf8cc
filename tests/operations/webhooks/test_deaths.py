"""A process is killed at every step of an act. The message is sent exactly if the act is done.

So ``account-bound`` is sent even if the answer to the COMMIT was lost. The signal ``account_bound`` is not sent in
that case.
"""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import override_settings

from phonebind import life
from phonebind.models import SocialAccount
from phonebind.operations.models import OutboxMessage
from tests.operations.webhooks.endpoints import SECRET
from tests.support.racers import Deaths, deaths

if not life.installed:
    pytest.skip("the account life is not installed here: LIFECYCLE=1", allow_module_level=True)

from tests.lifecycle import acts

pytestmark = pytest.mark.django_db(transaction=True)

#: An act has at least this many steps.
MANY = 8
WEBHOOKS = {"shop": {"url": "https://shop.example/", "secret": SECRET}}


@pytest.fixture(scope="module")
def dying(django_db_setup: None) -> Iterator[Deaths]:
    changed = settings.PHONEBIND | acts.SETTINGS | {"WEBHOOKS": WEBHOOKS}
    with override_settings(PHONEBIND=changed), deaths() as ready:
        yield ready


def told(type_: str, **data: object) -> int:
    """The number of messages."""
    said = {f"payload__{name}": str(value) for name, value in data.items()}
    return OutboxMessage.objects.filter(type=type_, **said).count()


def test_threat_6_a_bind(dying: Deaths) -> None:
    model = get_user_model()
    for step in dying:
        mobile, openid = f"139000{step:03}01", f"{step:032}"
        act = acts.bind(mobile, openid)
        dying.of(acts.send, act, step=step)
        bound = SocialAccount.objects.filter(openid=openid).first()
        assert told("account-bound", identity=bound.pk if bound else 0) == bool(bound)
        assert acts.outcome(act) == "201"
        bound = SocialAccount.objects.get(openid=openid)
        assert told("account-bound", identity=bound.pk) == 1, "the same request again tells it no second time"
        assert told("account-created", user_id=model._default_manager.get(mobile=mobile).pk) == 1
    assert step >= MANY
    assert told("account-bound") == SocialAccount.objects.count() == step + 1


def test_threat_25_an_unbind(dying: Deaths) -> None:
    for step in dying:
        user = acts.make(f"139000{step:03}01")
        account = acts.bound(user, f"{step:032}")
        owner, by_qq = acts.Device(user), acts.Device(user, "provider", account)
        act = owner.unbind(account)
        dying.of(acts.send, act, step=step)
        done = not SocialAccount.objects.filter(pk=account.pk).exists()
        seen = told("identity-unbound", identity=account.pk), told("session-revoked", session=by_qq.sid)
        assert seen == (done, done)
        acts.outcome(act)
        assert told("identity-unbound", identity=account.pk) == 1
    assert step >= MANY


def test_threat_31_a_change_of_mobile(dying: Deaths) -> None:
    for step in dying:
        mobile, other = f"139000{step:03}01", f"139000{step:03}02"
        user = acts.make(mobile)
        owner, before = acts.Device(user), acts.Device(user)
        act = owner.change(other)
        dying.of(acts.send, act, step=step)
        done = get_user_model()._default_manager.filter(pk=user.pk, mobile=other).exists()
        seen = told("identifier-changed", user_id=user.pk), told("session-revoked", session=before.sid)
        assert seen == (done, done)
        assert acts.outcome(act) == "200"
        assert told("identifier-changed", user_id=user.pk) == 1
        assert not any(number in str(row.payload) for row in OutboxMessage.objects.all() for number in (mobile, other))
    assert step >= MANY


def test_threat_31_a_number_that_is_somebody_elses(dying: Deaths) -> None:
    for step in dying:
        mobile = f"139000{step:03}01"
        user = acts.unproved(mobile)
        act = acts.not_mine(mobile)
        dying.of(acts.send, act, step=step)
        done = get_user_model()._default_manager.filter(pk=user.pk, mobile=None).exists()
        assert told("identifier-recycled", user_id=user.pk, reason="new_owner") == done
    assert step >= MANY


def test_threat_29_a_reset(dying: Deaths) -> None:
    for step in dying:
        mobile = f"139000{step:03}01"
        user = acts.make(mobile)
        act = acts.reset(mobile)
        dying.of(acts.send, act, step=step)
        changed = get_user_model()._default_manager.get(pk=user.pk).check_password(acts.NEW_PASSWORD)
        seen = told("credential-change", user_id=user.pk), told("sessions-revoked", user_id=user.pk, reason="password")
        assert seen == (changed, changed)
    assert step >= MANY
