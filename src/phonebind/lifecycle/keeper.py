"""What the core asks of this app: ``phonebind.life.Life``."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from phonebind.life import Turn
from phonebind.lifecycle import proofs, sessions


class Keeper:
    """Each method as the protocol describes it."""

    def begin(
        self, request: HttpRequest | None, user: AbstractBaseUser, method: str, social_account: Any, ends: float
    ) -> Turn:
        return sessions.begin(request, user, method, social_account, ends)

    def turn(self, sid: str, seq: int, user: AbstractBaseUser) -> Turn:
        return sessions.turn(sid, seq, user)

    def is_live(self, sid: str) -> bool:
        return sessions.is_live(sid)

    def end_all(self, user_pk: Any, reason: str, using: str | None = None) -> None:
        sessions.end(sessions.of(user_pk, using), reason)

    def mobile_proved(self, user: AbstractBaseUser, mobile: str, proved_by: str, *, doubtful: bool = False) -> None:
        proofs.record(user, mobile, proved_by, doubtful=doubtful)
