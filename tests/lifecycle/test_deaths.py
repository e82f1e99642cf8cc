"""A process is killed at every step of an act, one step after the other. The act is done or not done, and nobody is
locked out.

The same request, sent again, does the act or finds it done. A person whose access token is accepted can refresh, and a
person who can refresh has an accepted access token: an entry in the store for a commit that never happened locks
nobody out.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import override_settings
from django.utils import timezone

from phonebind.lifecycle.models import MobileChange, MobileProof
from phonebind.models import SocialAccount
from tests.lifecycle import acts
from tests.lifecycle.acts import NEW_PASSWORD, Act, Device, all_is_well, make, outcome, send
from tests.support.racers import Deaths, deaths

pytestmark = pytest.mark.django_db(transaction=True)

#: An act has at least this many steps.
MANY = 8


@pytest.fixture(scope="module")
def dying(django_db_setup: None) -> Iterator[Deaths]:
    with override_settings(PHONEBIND=settings.PHONEBIND | acts.SETTINGS), deaths() as ready:
        yield ready


def numbers_of(step: int) -> tuple[str, str]:
    return f"139000{step:03}01", f"139000{step:03}02"


def stored(user: Any) -> Any:
    return get_user_model()._default_manager.get(pk=user.pk)


def test_threat_35_a_refresh(dying: Deaths) -> None:
    for step in dying:
        device = Device(make(numbers_of(step)[0]))
        act = device.refresh()
        dying.of(send, act, step=step)
        assert device.session.seq in (0, 1)
        status, answer = send(act)
        assert (status, device.session.seq) == (200, 1)
        device.pair = answer
        assert device.is_signed_in()
    assert step >= 2


def test_threat_25_an_unbind(dying: Deaths) -> None:
    for step in dying:
        user = make(numbers_of(step)[0])
        account = acts.bound(user, f"{step:032}")
        owner, by_qq = Device(user), Device(user, "provider", account)
        act = owner.unbind(account)
        dying.of(send, act, step=step)
        done = not SocialAccount.objects.filter(pk=account.pk).exists()
        assert (by_qq.session.end_reason == "unbound") == done
        assert by_qq.is_signed_in() != done
        assert outcome(act) == ("not_found" if done else "204")
        assert not SocialAccount.objects.filter(pk=account.pk).exists()
        assert (owner.is_signed_in(), by_qq.is_signed_in()) == (True, False)
    assert step >= MANY


def test_threat_29_a_reset(dying: Deaths) -> None:
    for step in dying:
        mobile, _ = numbers_of(step)
        user = make(mobile)
        before, act = Device(user), acts.reset(mobile)
        dying.of(send, act, step=step)
        done = stored(user).check_password(NEW_PASSWORD)
        assert before.is_signed_in() != done
        # The act was done, and its answer was lost. The code is used up, and the person signs in by the new password.
        assert outcome(act) == ("sms_code_invalid" if done else "200")
        assert send(acts.sign_in(mobile, NEW_PASSWORD))[0] == 200
        assert not before.is_signed_in()
        all_is_well(mobile)
    assert step >= MANY


def test_threat_31_a_change_of_mobile(dying: Deaths) -> None:
    for step in dying:
        mobile, other = numbers_of(step)
        user = make(mobile)
        owner, before = Device(user), Device(user)
        act = owner.change(other)
        dying.of(send, act, step=step)
        done = stored(user).mobile == other
        all_is_well(mobile, other)
        assert (owner.is_signed_in(), before.is_signed_in()) == (True, not done)
        assert outcome(act) == "200"
        assert (stored(user).mobile, owner.is_signed_in(), before.is_signed_in()) == (other, True, False)
        assert send(acts.sign_in(other))[0] == 200
        all_is_well(mobile, other)
    assert step >= MANY


def test_threat_32_a_change_that_is_due(dying: Deaths) -> None:
    for step in dying:
        mobile, other = numbers_of(step)
        user, moment = make(mobile), timezone.now() - timedelta(days=3)
        owner, before = Device(user), Device(user)
        MobileChange.objects.create(user=user, mobile=other, requested_at=moment, due_at=moment)
        act = Act("get", "/account/", headers=owner.headers)
        dying.of(send, act, step=step)
        done = stored(user).mobile == other
        assert MobileChange.objects.filter(user=user).exists() != done
        all_is_well(mobile, other)
        # Look at the row: a request would carry the change out itself.
        assert bool(before.session.ended_at) == done
        assert send(act)[1]["mobile"] == f"{other[:3]}****{other[-4:]}"
        assert (owner.is_signed_in(), before.is_signed_in()) == (True, False)
        assert MobileProof.objects.get(mobile=other, current=True).last_proved_at == moment
        all_is_well(mobile, other)
    assert step >= MANY


def test_threat_31_not_mine(dying: Deaths) -> None:
    for step in dying:
        mobile, _ = numbers_of(step)
        user = acts.unproved(mobile)
        owner, act = Device(user), acts.not_mine(mobile)
        dying.of(send, act, step=step)
        done = stored(user).mobile is None
        assert (stored(user).username != mobile) == done
        assert owner.is_signed_in()
        said = outcome(act)
        assert said == "ticket_invalid" or (said, done) == ("200", False)
        if stored(user).mobile:
            # An answer is valid once, and this one was accepted. The person is asked again.
            assert outcome(acts.not_mine(mobile)) == "200"
        assert owner.is_signed_in()
        assert send(acts.sign_in(stored(user).username))[0] == 200
        status, answer = send(acts.enter(mobile))
        assert (status, answer["created"]) == (200, True)
        all_is_well(mobile)
    assert step >= MANY


def test_a_sign_up_by_sms(dying: Deaths) -> None:
    users = get_user_model()._default_manager
    for step in dying:
        mobile, _ = numbers_of(step)
        act = acts.enter(mobile)
        dying.of(send, act, step=step)
        made = users.filter(mobile=mobile).first()
        all_is_well(mobile)
        said = outcome(act)
        assert said == "200" or (made and said == "sms_code_invalid"), "used up by what was done"
        user = users.get(mobile=mobile)
        assert made in (None, user)
        assert MobileProof.objects.get(mobile=mobile, current=True).user_id == user.pk
        status, answer = send(acts.enter(mobile))
        assert (status, answer["id"]) == (200, user.pk)
    assert step >= MANY


def test_threat_6_a_bind(dying: Deaths) -> None:
    for step in dying:
        mobile, _ = numbers_of(step)
        user = make(mobile)
        act = acts.bind(mobile, f"{step:032}")
        dying.of(send, act, step=step)
        all_is_well(mobile)
        assert outcome(act) == "201"
        assert SocialAccount.objects.get(openid=f"{step:032}").user_id == user.pk
        all_is_well(mobile)
    assert step >= MANY
