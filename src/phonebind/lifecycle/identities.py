"""The identities of an account: list them, add one, remove one.

One person at one provider may have a row for each of our apps. These rows are one entry and are unbound together. A
person cannot unbind the last identity that they need to sign in. The ways that are left are counted while the user's
row is locked. Without the lock, two requests at once could each take the other's identity for the one that is left.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from phonebind import accounts, audit, binding, databases, oauth, signals
from phonebind.conf import conf
from phonebind.exceptions import AlreadyBound, StorageUnavailable, Text, TokenInvalid
from phonebind.lifecycle import attempts, endings, intents, ownership, people, proofs
from phonebind.lifecycle.exceptions import IdentityTaken, LastWayIn, NotFound
from phonebind.lifecycle.models import Session
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount
from phonebind.states import State

_SHOWN = ("id", "provider", "label", "nickname", "bound_at", "last_used_at", "removable")


@dataclass(frozen=True, slots=True)
class Entry:
    """One person at one provider. ``last_used_at``: when it was last used to sign in, as far as the sessions show."""

    id: int
    provider: str
    label: Text
    nickname: str
    bound_at: datetime
    last_used_at: datetime | None
    #: Whether the person has another way to sign in without it.
    removable: bool
    #: The rows that are unbound together: the person in each of our apps.
    rows: frozenset[int]

    @property
    def body(self) -> dict[str, Any]:
        """As all JSON answers show it, without the openid: that stays private."""
        return {name: getattr(self, name) for name in _SHOWN}


def of(user: AbstractBaseUser) -> list[Entry]:
    """All entries of the user, oldest first."""
    rows, used, otherwise = _rows(user), _last_used(user), has_another_way(user)
    return [
        _entry(together, used, removable=otherwise or _any_works(_others(rows, together))) for together in _people(rows)
    ]


def bind(request: HttpRequest, person: Person, *, provider: str, code: str, state: str) -> tuple[Entry, bool, State]:
    """Bind the identity that has come back from the provider to this account. The bool is True if it was not bound
    before.

    Raises IdentityTaken (another account has it, in this app or in another of ours), IdentityExists (the site refuses a
    second one), StateInvalid, CodeInvalid, ProviderUnavailable, AccountDisabled, StorageUnavailable.
    """
    identity, account, used = intents.redeem(request, person, intents.BIND, provider=provider, code=code, state=state)
    is_new = account is None
    try:
        account = binding.attach(request, identity, person.user)
    except AlreadyBound:
        raise IdentityTaken from None
    audit.note(request, outcome="bound" if is_new else "kept", provider=provider)
    entry = next((each for each in of(person.user) if account.pk in each.rows), None)
    if entry is None:
        # Another device of the person unbound it at the same moment.
        raise StorageUnavailable
    return entry, is_new, used


def unbind(request: HttpRequest, person: Person, pk: int, *, everywhere: bool) -> None:
    """Unbind that entry. The sessions that began with it end; with ``everywhere`` all sessions but the current one end.

    Raises NotFound, LastWayIn, StorageUnavailable.
    """
    provider = attempts.at_last(lambda: _unbind(person, pk, everywhere))
    signals.identity_unbound.send_robust(SocialAccount, user=person.user, provider=provider, request=request)
    audit.note(request, outcome="unbound")


def _unbind(person: Person, pk: int, everywhere: bool) -> str:
    using = databases.primary(SocialAccount)
    with transaction.atomic(using=using, durable=True):
        user = _locked(person.user)
        rows = _rows(user)
        together = next((each for each in _people(rows) if pk in {row.pk for row in each}), None)
        if together is None:
            raise NotFound
        if not has_another_way(user) and not _any_works(_others(rows, together)):
            raise LastWayIn
        proofs.keep(user, accounts.mobile_of(user))
        for row in together:
            binding.unbind(row)
        if everywhere:
            endings.end_others(user.pk, person.sid, "unbound", using)
    return str(together[0].provider)


def _locked(user: AbstractBaseUser) -> Any:
    found = people.held(user.pk)
    if found is None:
        raise TokenInvalid
    return found


def has_another_way(user: AbstractBaseUser) -> bool:
    """Whether the user can sign in today without any identity."""
    if accounts.signs_in_by_password(user):
        return True
    mobile = accounts.mobile_of(user)
    if not mobile or accounts.needs_second_way(user):
        return False
    last, doubtful = proofs.last(user, mobile)
    if last is None or doubtful:
        return False
    # An SMS to the mobile signs the person in, or resets their password. If the gate asks them, their word must be
    # accepted.
    return conf.owner_word != "refuse" or timezone.now() - last < ownership.FROZEN


def _any_works(rows: Iterable[SocialAccount]) -> bool:
    """Whether the user can sign in today by one of these identities."""
    return any(oauth.is_configured(each.provider, each.app_id) for each in rows)


def _entry(together: Sequence[SocialAccount], used: Mapping[int, datetime], *, removable: bool) -> Entry:
    first, times = together[0], [used[row.pk] for row in together if row.pk in used]
    return Entry(
        id=first.pk,
        provider=first.provider,
        label=oauth.label(first.provider, first.app_id),
        nickname=next((row.nickname for row in together if row.nickname), ""),
        bound_at=first.created_at,
        last_used_at=max(times, default=None),
        removable=removable,
        rows=frozenset(row.pk for row in together),
    )


def _others(rows: Iterable[SocialAccount], together: Iterable[SocialAccount]) -> list[SocialAccount]:
    gone = {row.pk for row in together}
    return [row for row in rows if row.pk not in gone]


def _people(rows: Iterable[SocialAccount]) -> list[list[SocialAccount]]:
    """The rows in groups. The rows of a group are unbound together."""
    found: list[list[SocialAccount]] = []
    for row in rows:
        mine = [each for each in found if any(_may_be_one(row, other) for other in each)]
        found = [each for each in found if each not in mine]
        found.append(sorted([row, *(other for each in mine for other in each)], key=lambda one: one.pk))
    return sorted(found, key=lambda each: each[0].pk)


def _may_be_one(one: SocialAccount, other: SocialAccount) -> bool:
    """The same rule as ``SocialAccount.same_person``."""
    if one.provider != other.provider or one.app_id == other.app_id:
        return False
    return None in (one.unionid, other.unionid) or one.unionid == other.unionid


def _last_used(user: AbstractBaseUser) -> dict[int, datetime]:
    """The last use of each identity. It comes from the sessions, since a sign-in writes nothing else."""
    found = Session.objects.using(databases.primary(Session)).filter(user=user.pk, social_account__isnull=False)
    return dict(found.values_list("social_account").annotate(Max("created_at")).order_by())


def _rows(user: AbstractBaseUser) -> list[SocialAccount]:
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    return list(rows.filter(user=user.pk).order_by("pk"))
