"""Who holds a mobile, as they have proved, and when: ``MobileProof``.

Accounts that are older than this app have no row yet: a row is written with the next proof. What is known of them
before is their earliest bind, which proved the number that they had then; and that it is the one that they have now, as
long as that is their username too, which a bind makes of it. For all others nothing is assumed.
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

#: Carriers' lists of numbers with a new owner lag: so long is a number that they do not list in doubt all the same.
PROBATION = timedelta(days=8)

_HOLDS = "user_id = %s AND mobile = %s AND current = %s"


def record(user: AbstractBaseUser, mobile: str, proved_by: str, *, doubtful: bool = False) -> None:
    """``user`` has just proved ``mobile``. Within the transaction of what the proof was for.

    A doubtful proof does not move ``last_proved_at``, or it would stand for a good one in the next 90 days.
    """
    now = timezone.now()
    facts: dict[str, Any] = {"proved_by": proved_by, "doubtful_until": now + PROBATION}
    if not doubtful:
        facts |= {"doubtful_until": None, "last_proved_at": now}
    assigned = ", ".join(f"{name} = %s" for name in facts)
    if MobileProof.objects.change(f"{assigned} WHERE {_HOLDS}", [*facts.items(), *_held(user, mobile)]):
        return
    # Whoever has it in the books and not in the account has lost it by an act of the host's.
    _rows().filter(mobile=mobile, current=True).update(current=None, released_at=now, reason="changed")
    first = _bound_at(user, mobile) or now
    _rows().create(
        user=user,  # type: ignore[misc]  # whichever model AUTH_USER_MODEL is
        mobile=mobile,
        first_proved_at=first,
        **{"last_proved_at": first, **facts},
    )


def keep(user: AbstractBaseUser, mobile: str) -> None:
    """Write down what is known of an account that is older than this app, before the bind goes that tells it."""
    first = _bound_at(user, mobile)
    if first and not _rows().filter(mobile=mobile, current=True).exists():
        _rows().create(
            user=user,  # type: ignore[misc]  # whichever model AUTH_USER_MODEL is
            mobile=mobile,
            first_proved_at=first,
            last_proved_at=first,
        )


def release(mobile: str, reason: str) -> None:
    """Nobody holds it any more, by this act: "new_owner", "changed", "carrier"."""
    _rows().filter(mobile=mobile, current=True).update(current=None, released_at=timezone.now(), reason=reason)


def date_back(user: AbstractBaseUser, mobile: str, at: datetime) -> None:
    """What was just recorded was proved then."""
    _rows().filter(user=user.pk, mobile=mobile, current=True).update(last_proved_at=at)


def last(user: AbstractBaseUser, mobile: str) -> tuple[datetime | None, bool]:
    """When the user proved this mobile last, None where nobody knows; and whether that may have been a new owner."""
    row = MobileProof.objects.one(_HOLDS, _held(user, mobile))
    if row is None:
        return _bound_at(user, mobile), False
    return row.last_proved_at, row.doubtful_until is not None and row.doubtful_until > timezone.now()


def is_doubtful(user: AbstractBaseUser, mobile: str) -> bool:
    """Whether the last proof may have been a new owner's."""
    doubtful = _rows().filter(user=user.pk, mobile=mobile, current=True, doubtful_until__gt=timezone.now())
    return doubtful.exists()


def _bound_at(user: AbstractBaseUser, mobile: str) -> datetime | None:
    """When the user bound their first identity, and so proved this mobile; None where it may have been another.

    A username that is the mobile by the model's own rule says nothing. Nor does anything where there are rows already:
    the number came, or came back, by the host's hand.
    """
    name = get_user_model().USERNAME_FIELD
    is_name = name != conf.mobile_field and mobiles.clean(str(user.get_username() or "")) == mobile
    if not mobile or not is_name or _rows().filter(user=user.pk).exists():
        return None
    bound = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(user=user.pk)
    # Who was signed in already, perhaps by the password of an account whose number is somebody else's, has proved none.
    bound = bound.exclude(proved_by=UNPROVED)
    return bound.order_by("created_at").values_list("created_at", flat=True).first()


def _held(user: AbstractBaseUser, mobile: str) -> Values:
    return [("user", user.pk), ("mobile", mobile), ("current", True)]


def _rows() -> "QuerySet[MobileProof]":
    return MobileProof.objects.using(databases.primary(MobileProof))
