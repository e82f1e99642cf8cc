"""The acts of an operator for a customer. Each act has a reason. Its event is written before the act, in the same
transaction: an act that cannot be recorded does not happen.

An operator cannot act on their own account. Only a superuser can act on another operator's account. Otherwise an
operator who may end sessions could unbind the identities of a colleague who wants to stop them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, transaction
from django.http import HttpRequest
from django.utils import timezone

from phonebind import accounts, audit, binding, databases, life, limits, masking, oauth, revocation, signals
from phonebind.lifecycle.exceptions import LastWayIn, NotFound
from phonebind.models import SocialAccount
from phonebind.operations.events import mobile_hashes, recording, words
from phonebind.operations.helpdesk import account, people
from phonebind.operations.helpdesk.in_force import Counted
from phonebind.operations.models import SecurityEvent


@dataclass(frozen=True, slots=True)
class Order:
    """An act that an operator asks for: on which account, and why."""

    request: HttpRequest
    user: AbstractBaseUser
    reason: str


def may_act(operator: Any, user: AbstractBaseUser) -> bool:
    """Whether this operator may act on this account at all. Permissions are checked elsewhere."""
    return operator.pk != user.pk and (operator.is_superuser or not accounts.is_operator(user))


def end_sessions(order: Order) -> str:
    """End all sessions on all devices. Raises StorageUnavailable."""
    user = order.user
    before = f"sessions: {len(account.known.sessions(user))}" if account.known.keeps else "signed in perhaps"
    with _written(order, "sessions_ended", before, "signed out everywhere"):
        revocation.revoke(user.pk, "revoked", databases.primary(type(user)))
    return "sessions_ended"


def unbind(order: Order, pk: int, *, force: bool) -> str:
    """Unbind the identity, in all of our apps at this provider.

    Raises NotFound if the identity is not this person's, and LastWayIn unless ``force`` is set.
    """
    using = databases.primary(SocialAccount)
    with transaction.atomic(using=using):
        user = _held(order.user)
        rows = people.identities(user)
        chosen = next((row for row in rows if row.pk == pk), None)
        if chosen is None:
            raise NotFound
        gone = set(chosen.same_person().values_list("pk", flat=True))
        rest = [row for row in rows if row.pk not in gone]
        is_last = not _any_works(rest) and not account.known.has_another_way(user)
        if is_last and not force:
            raise LastWayIn
        outcome = "identity_unbound_by_force" if is_last else "identity_unbound"
        with _written(order, outcome, _names(rows), _names(rest), provider=chosen.provider):
            account.known.before_unbind(user)
            binding.unbind(chosen)
        if life.installed:
            databases.after_commit(using, _tell, user, chosen.provider, order.request)
    return outcome


def lift(order: Order, counted: Counted) -> str:
    """Reset the count of a limit. The person can use the whole limit again. Raises StorageUnavailable."""
    before = f"{counted.used} of {counted.limit}"
    with _written(order, "limit_lifted", before, f"0 of {counted.limit}", limit=counted.name):
        limits.lift(counted.name, counted.subject)
    return "limit_lifted"


def release(order: Order, why: str, *, end_sessions: bool) -> str:
    """Remove the number from the account. ``why`` is "carrier" or "new_owner".

    Raises NotFound if the account has no number, and MobileKept.
    """
    mobile = accounts.mobile_of(order.user)
    if not mobile:
        raise NotFound
    after = "no number, signed out everywhere" if end_sessions else "no number"
    with _written(order, "number_released", masking.mobile(mobile), after, cause=why):
        if not account.known.release(order.user, mobile, why, end_sessions=end_sessions):
            raise NotFound
    return "number_released"


@contextmanager
def _written(order: Order, outcome: str, before: str, after: str, **columns: str) -> Iterator[None]:
    request, mobile = order.request, accounts.mobile_of(order.user)
    actor: Any = request.user
    using = databases.primary(SecurityEvent)
    with transaction.atomic(using=using):
        SecurityEvent.objects.using(using).create(
            at=timezone.now(),
            type=words.OPERATOR,
            outcome=outcome,
            user_id=recording.user_id(order.user.pk),
            actor_id=recording.user_id(actor.pk),
            mobile=masking.mobile(mobile),
            mobile_hmac=mobile_hashes.current(mobile),
            address=limits.client_address(request),
            request_id=audit.request_id(request),
            # The name is stored too, because the operator's account may be deleted one day. Numbers in it are masked.
            data={
                "operator": people.shown_name(actor),
                "reason": masking.masked(order.reason),
                "before": before,
                "after": after,
            },
            **columns,
        )
        yield
    audit.note(request, action=words.OPERATOR, outcome=outcome, user_id=order.user.pk, mobile=mobile)


def _held(user: AbstractBaseUser) -> AbstractBaseUser:
    """The user row, locked. So two operators cannot unbind the last two identities at the same time, each of them
    counting the other one as left.
    """
    rows = databases.people()
    no_key = connections[rows.db].features.has_select_for_no_key_update
    found = rows.select_for_update(no_key=no_key).filter(pk=user.pk).first()
    if found is None:
        raise NotFound
    return found


def _tell(user: AbstractBaseUser, provider: str, request: HttpRequest) -> None:
    signals.identity_unbound.send_robust(SocialAccount, user=user, provider=provider, request=request)


def _any_works(rows: list[SocialAccount]) -> bool:
    return any(oauth.is_configured(row.provider, row.app_id) for row in rows)


def _names(rows: list[SocialAccount]) -> str:
    return ", ".join(row.provider for row in rows) or "no identity"
