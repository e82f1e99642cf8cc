"""One person as an operator sees them: found by a whole mobile or username, and all that is known, in few queries."""

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

#: How many events are shown.
EVENTS = 100


@dataclass(frozen=True, slots=True)
class Overview:
    """What a person's page shows. ``limits`` is None where the store is away."""

    identities: Sequence[SocialAccount]
    sessions: Sequence[account.SessionSeen]
    proofs: Sequence[account.ProofSeen]
    limits: Sequence[in_force.Counted] | None
    events: Sequence[SecurityEvent]


def find(term: str) -> AbstractBaseUser | None:
    """Whose mobile, username or primary key it is, whole."""
    return accounts.by_login(term) or by_key(term)


def by_key(text: str) -> AbstractBaseUser | None:
    """The user of this primary key, as an address has it."""
    field: Any = get_user_model()._meta.pk
    try:
        return databases.people().filter(pk=field.to_python(text)).first()
    except (ValidationError, ValueError, OverflowError):
        return None


def shown_name(user: Any) -> str:
    """The username, without a mobile in it."""
    return str(masking.masked(accounts.name_of(user))) or str(user.pk)


def identities(user: AbstractBaseUser) -> list[SocialAccount]:
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    return list(rows.filter(user=user.pk).order_by("pk"))


def overview(user: AbstractBaseUser) -> Overview:
    """All of it, as of now."""
    bound = identities(user)
    return Overview(bound, account.known.sessions(user), account.known.proofs(user), limits(user, bound), events(user))


def limits(user: AbstractBaseUser, bound: Sequence[SocialAccount]) -> list[in_force.Counted] | None:
    try:
        return in_force.of(user, bound)
    except StorageUnavailable:
        return None


def events(user: AbstractBaseUser) -> list[SecurityEvent]:
    """The last of the account, and of the mobile that it has, which somebody else may have had before."""
    rows = SecurityEvent.objects.using(databases.primary(SecurityEvent)).order_by("-at", "-pk")
    mobile = accounts.mobile_of(user)
    found = list(_last(rows.filter(user_id=recording.user_id(user.pk))))
    if mobile:
        # Two statements, each of which an index answers; a database that is asked for either may read the whole table.
        of_mobile = rows.filter(mobile_hmac__in=mobile_hashes.known(mobile))
        found = list({row.pk: row for row in [*found, *_last(of_mobile)]}.values())
    return sorted(found, key=attrgetter("at", "pk"), reverse=True)[:EVENTS]


def _last(rows: "QuerySet[SecurityEvent]") -> "QuerySet[SecurityEvent]":
    return rows[:EVENTS]
