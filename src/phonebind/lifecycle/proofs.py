"""Who has proved to hold a mobile, and when: ``MobileProof``.

Accounts that are older than this app have no row until their next proof. For them the earliest bind counts as a proof:
it proved the number that the account had then. That is still the current number as long as the username is the same
number, because a bind makes the number the username. For all other accounts nothing is assumed.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone

from phonebind import databases, mobiles
from phonebind.conf import conf
from phonebind.lifecycle.models import MobileProof, Values
from phonebind.models import UNPROVED, SocialAccount

#: Carriers' lists of numbers with a new owner are late. A number that is not on the list stays doubtful for this long.
PROBATION = timedelta(days=8)

_HOLDS = "user_id = %s AND mobile = %s AND current = %s"


def record(user: AbstractBaseUser, mobile: str, proved_by: str, *, doubtful: bool = False) -> None:
    """``user`` has just proved ``mobile``. Call this in the transaction of the act that needed the proof.

    A doubtful proof does not change ``last_proved_at``. Otherwise it would count as a good proof for the next 90 days.
    """
    now = timezone.now()
    facts: dict[str, Any] = {"proved_by": proved_by, "doubtful_until": now + PROBATION}
    if not doubtful:
        facts |= {"doubtful_until": None, "last_proved_at": now}
    assigned = ", ".join(f"{name} = %s" for name in facts)
    if MobileProof.objects.change(f"{assigned} WHERE {_HOLDS}", [*facts.items(), *_held(user, mobile)]):
        return
    # A user who has the mobile in this table but not in the account has lost it by a change that the host made.
    _rows().filter(mobile=mobile, current=True).update(current=None, released_at=now, reason="changed")
    first = _bound_at(user, mobile) or now
    _rows().create(
        user=user,  # type: ignore[misc]  # the model depends on AUTH_USER_MODEL
        mobile=mobile,
        first_proved_at=first,
        **{"last_proved_at": first, **facts},
    )


def keep(user: AbstractBaseUser, mobile: str) -> None:
    """Save what the bind proves about an account that is older than this app, before the bind is deleted."""
    first = _bound_at(user, mobile)
    if first and not _rows().filter(mobile=mobile, current=True).exists():
        _rows().create(
            user=user,  # type: ignore[misc]  # the model depends on AUTH_USER_MODEL
            mobile=mobile,
            first_proved_at=first,
            last_proved_at=first,
        )


def release(mobile: str, reason: str) -> None:
    """The holder loses the mobile. ``reason``: "new_owner", "changed" or "carrier"."""
    _rows().filter(mobile=mobile, current=True).update(current=None, released_at=timezone.now(), reason=reason)


def date_back(user: AbstractBaseUser, mobile: str, at: datetime) -> None:
    """Set the time of the proof that was just recorded."""
    _rows().filter(user=user.pk, mobile=mobile, current=True).update(last_proved_at=at)


def last(user: AbstractBaseUser, mobile: str) -> tuple[datetime | None, bool]:
    """When the user last proved this mobile (None: unknown), and whether a new owner may have made that proof."""
    row = MobileProof.objects.one(_HOLDS, _held(user, mobile))
    if row is None:
        return _bound_at(user, mobile), False
    return row.last_proved_at, row.doubtful_until is not None and row.doubtful_until > timezone.now()


def is_doubtful(user: AbstractBaseUser, mobile: str) -> bool:
    """Whether a new owner may have made the last proof."""
    doubtful = _rows().filter(user=user.pk, mobile=mobile, current=True, doubtful_until__gt=timezone.now())
    return doubtful.exists()


def _bound_at(user: AbstractBaseUser, mobile: str) -> datetime | None:
    """When the user bound their first identity: that proved this mobile. None if it may have been another mobile.

    A username that is the mobile because the model says so proves nothing. If the user already has rows, the bind
    proves nothing either: the host's own code gave the user this number, or gave it back.
    """
    name = get_user_model().USERNAME_FIELD
    is_name = name != conf.mobile_field and mobiles.clean(str(user.get_username() or "")) == mobile
    if not mobile or not is_name or _rows().filter(user=user.pk).exists():
        return None
    bound = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(user=user.pk)
    # A person who was signed in before the bind has proved no mobile. They may have used the password of an account
    # whose number belongs to another person.
    bound = bound.exclude(proved_by=UNPROVED)
    return bound.order_by("created_at").values_list("created_at", flat=True).first()


def _held(user: AbstractBaseUser, mobile: str) -> Values:
    return [("user", user.pk), ("mobile", mobile), ("current", True)]


def _rows() -> "QuerySet[MobileProof]":
    return MobileProof.objects.using(databases.primary(MobileProof))
