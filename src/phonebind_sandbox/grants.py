"""The permission that a person gave to an app. It goes from code to tokens to refreshed tokens."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from . import state
from .conf import App
from .people import PEOPLE, Person

CODE_SECONDS = 600
TOKEN_SECONDS = 7_776_000

# Records are kept longer than they are valid. So "expired" and "used" differ from "unknown".
_MEMORY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Grant:
    client_id: str
    person_id: str
    scope: str
    redirect_uri: str
    issued_at: float
    #: Further data that the provider needs again: a nonce, a PKCE challenge.
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        return PEOPLE[self.person_id]


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    grant: Grant


class NotGranted(Exception):
    """``reason``: "unknown" (never issued, or issued to another app), "redirect_uri" (issued for another),
    "expired", "used".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def issue_code(*, app: App, person: Person, redirect_uri: str = "", scope: str = "", **extra: Any) -> str:
    grant = Grant(app.client_id, person.id, scope, redirect_uri, time.time(), extra)
    return _keep("code", grant, CODE_SECONDS)


def take_code(code: str, *, app: App, redirect_uri: str = "", seconds: int = CODE_SECONDS) -> Grant:
    """Redeem a code: once, within ``seconds``, with the redirect_uri of its request. Raises NotGranted."""
    grant = _find("code", code)
    if grant is None or grant.client_id != app.client_id:
        raise NotGranted("unknown")
    if grant.redirect_uri != redirect_uri:
        raise NotGranted("redirect_uri")
    if _age(grant) >= seconds:
        raise NotGranted("expired")
    if not state.put_once("used_code", code, CODE_SECONDS + _MEMORY_SECONDS):
        raise NotGranted("used")
    return grant


def renew(refresh_token: str, *, app: App) -> Tokens:
    """New tokens for a refresh token. The refresh token becomes invalid. Raises NotGranted."""
    grant = _find("refresh", refresh_token)
    if grant is None or grant.client_id != app.client_id or not state.forget("refresh", refresh_token):
        raise NotGranted("unknown")
    return issue_tokens(grant)


def read(access_token: str) -> Grant | None:
    """The grant of an access token; None if it was never issued. Raises NotGranted if it has expired."""
    grant = _find("access", access_token)
    if grant is not None and _age(grant) >= TOKEN_SECONDS:
        raise NotGranted("expired")
    return grant


def issue_tokens(grant: Grant) -> Tokens:
    grant = replace(grant, issued_at=time.time())
    return Tokens(_keep("access", grant, TOKEN_SECONDS), _keep("refresh", grant, TOKEN_SECONDS), grant)


def _keep(kind: str, grant: Grant, seconds: int) -> str:
    name = secrets.token_hex(16).upper()
    state.put(kind, name, asdict(grant), seconds + _MEMORY_SECONDS)
    return name


def _find(kind: str, name: str) -> Grant | None:
    kept = state.get(kind, name)
    return None if kept is None else Grant(**kept)


def _age(grant: Grant) -> float:
    return time.time() - grant.issued_at
