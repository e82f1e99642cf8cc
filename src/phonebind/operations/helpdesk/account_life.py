"""The implementation with ``phonebind.lifecycle``. Imported only if that app is installed."""

from collections.abc import Sequence

from django.contrib.auth.base_user import AbstractBaseUser

from phonebind import accounts, databases, masking
from phonebind.lifecycle import identities, numbers, proofs, sessions
from phonebind.lifecycle.models import MobileProof
from phonebind.lifecycle.pages import user_agents
from phonebind.operations.helpdesk.account import ProofSeen, SessionSeen

#: Maximum number of sessions and of proofs shown.
SHOWN = 100


class WithLifecycle:
    """The protocol ``Account`` describes each method."""

    keeps = True

    def sessions(self, user: AbstractBaseUser) -> Sequence[SessionSeen]:
        rows = sessions.of(user.pk).order_by("-last_seen_at")[:SHOWN]
        return [
            SessionSeen(
                row.method,
                row.provider,
                user_agents.name(row.user_agent),
                row.address,
                row.created_at,
                row.last_seen_at,
            )
            for row in rows
        ]

    def proofs(self, user: AbstractBaseUser) -> Sequence[ProofSeen]:
        rows = MobileProof.objects.using(databases.primary(MobileProof)).filter(user=user.pk)
        found = rows.order_by("-last_proved_at").values_list(*ProofSeen._fields)[:SHOWN]
        return [ProofSeen(masking.mobile(mobile), *rest) for mobile, *rest in found]

    def has_another_way(self, user: AbstractBaseUser) -> bool:
        return identities.has_another_way(user)

    def before_unbind(self, user: AbstractBaseUser) -> None:
        proofs.keep(user, accounts.mobile_of(user))

    def release(self, user: AbstractBaseUser, mobile: str, reason: str, *, end_sessions: bool) -> bool:
        return numbers.release(user, mobile, reason, end_sessions=end_sessions)
