"""The account life over HTTP: requests of a signed-in person, what carriers know, and all rows of the database."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from phonebind.lifecycle.models import MobileChange, MobileProof, Session
from phonebind.models import SocialAccount
from server.users.models import User
from tests.torture.world import World


class Carrier:
    """A carrier that knows whether a number has a new owner, or answers that it is unknown."""

    says: ClassVar[Any] = "unknown"

    def check(self) -> list[str]:
        return []

    def since(self, mobile: str, moment: datetime) -> Any:
        return Carrier.says


@dataclass(frozen=True)
class LifeRows:
    """The rows of the database that matter, sorted. Times are in seconds since 1970."""

    #: (id, username, mobile, active, hash)
    accounts: list[tuple[int, str, str | None, bool, str]]
    #: (id, openid, account's id)
    identities: list[tuple[int, str, int]]
    #: id: (account's id, method, seq, why it ended, openid)
    sessions: dict[str, tuple[int, str, int, str, str | None]]
    #: (account's id, mobile, last proved, in doubt until)
    proofs: list[tuple[int, str, int, int]]
    #: (account's id, mobile, why)
    released: list[tuple[int, str, str]]
    #: (account's id, mobile, asked for)
    changes: list[tuple[int, str, int]]


class LifeWorld(World):
    def begin(self) -> None:
        super().begin()
        Carrier.says = "unknown"

    def ask(
        self, browser: str, address: str, method: str, path: str, data: Any = None, *, token: str = "", proof: str = ""
    ) -> Any:
        """A request, signed in if there is a ``token``; ``proof`` is a proof of step-up."""
        origin = self._origin(browser, address)
        origin["headers"] |= ({"Authorization": f"Bearer {token}"} if token else {}) | {"X-Verification": proof}
        send = getattr(self._client(browser), method)
        how = {} if method == "get" else {"content_type": "application/json"}
        return self._received(browser, send(path, {} if data is None else data, **how, **origin))

    def close_tabs(self, browser: str) -> None:
        """Forget what was begun at a provider."""
        jar = self._client(browser).cookies
        for name in [name for name in jar if name.startswith("phonebind_flow_")]:
            del jar[name]

    def empty(self, browser: str) -> None:
        self._client(browser).cookies.clear()

    def all(self) -> LifeRows:
        sessions = Session.objects.values_list("pk", "user", "method", "seq", "end_reason", "social_account__openid")
        proofs = MobileProof.objects.values_list(
            "user", "mobile", "last_proved_at", "doubtful_until", "current", "reason"
        )
        known = list(proofs)
        changes = MobileChange.objects.values_list("user", "mobile", "requested_at")
        return LifeRows(
            sorted(User.objects.values_list("pk", "username", "mobile", "is_active", "password")),
            sorted(SocialAccount.objects.values_list("pk", "openid", "user")),
            {str(pk): tuple(rest) for pk, *rest in sessions},  # type: ignore[misc]
            sorted(
                (pk, mobile, _seconds(at), _seconds(until)) for pk, mobile, at, until, current, _ in known if current
            ),
            sorted((pk, mobile, reason) for pk, mobile, _, _, current, reason in known if not current),
            sorted((pk, mobile, _seconds(at)) for pk, mobile, at in changes),
        )


def session_of(token: str) -> str:
    """The id of the session that a JWT names."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sid"])


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
