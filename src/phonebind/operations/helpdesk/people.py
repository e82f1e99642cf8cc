"""One person as operators see them: found by a whole mobile number or username, shown with few queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from phonebind import accounts, databases, masking
from phonebind.exceptions import StorageUnavailable
from phonebind.models import SocialAccount
from phonebind.operations.events import mobile_hashes, recording
from phonebind.operations.helpdesk import account, in_force
from phonebind.operations.models import SecurityEvent

#: Maximum number of events shown.
EVENTS = 100


@dataclass(frozen=True, slots=True)
class Overview:
    """The data of a person's page. ``limits`` is None if the store is unavailable."""

    identities: Sequence[SocialAccount]
    sessions: Sequence[account.SessionSeen]
    proofs: Sequence[account.ProofSeen]
    limits: Sequence[in_force.Counted] | None
    events: Sequence[SecurityEvent]


def find(term: str) -> AbstractBaseUser | None:
    """The user with this mobile number, username or primary key. Only a whole value matches."""
    return accounts.by_login(term) or by_key(term)


def by_key(text: str) -> AbstractBaseUser | None:
    """The user with this primary key. ``text`` comes from the URL."""
    field: Any = get_user_model()._meta.pk
    try:
        return databases.people().filter(pk=field.to_python(text)).first()
    except (ValidationError, ValueError, OverflowError):
        return None


def shown_name(user: Any) -> str:
    """The username, with mobile numbers masked."""
    return str(masking.masked(accounts.name_of(user))) or str(user.pk)


def identities(user: AbstractBaseUser) -> list[SocialAccount]:
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    return list(rows.filter(user=user.pk).order_by("pk"))


def overview(user: AbstractBaseUser) -> Overview:
    """All data of the page, read now."""
    bound = identities(user)
    return Overview(bound, account.known.sessions(user), account.known.proofs(user), limits(user, bound), events(user))


def limits(user: AbstractBaseUser, bound: Sequence[SocialAccount]) -> list[in_force.Counted] | None:
    try:
        return in_force.of(user, bound)
    except StorageUnavailable:
        return None


def events(user: AbstractBaseUser) -> list[SecurityEvent]:
    """The latest events of the account and of its current mobile number. An earlier owner of the number may have
    caused some of them.
    """
    rows = SecurityEvent.objects.using(databases.primary(SecurityEvent)).order_by("-at", "-pk")
    mobile = accounts.mobile_of(user)
    found = list(_last(rows.filter(user_id=recording.user_id(user.pk))))
    if mobile:
        # Two statements, and each uses an index. For one statement with OR, a database may read the whole table.
        of_mobile = rows.filter(mobile_hmac__in=mobile_hashes.known(mobile))
        found = list({row.pk: row for row in [*found, *_last(of_mobile)]}.values())
    return sorted(found, key=attrgetter("at", "pk"), reverse=True)[:EVENTS]


def _last(rows: "QuerySet[SecurityEvent]") -> "QuerySet[SecurityEvent]":
    return rows[:EVENTS]
