"""What a person has granted to an app, as it passes from code to tokens to fresh tokens."""

import secrets
import time
from dataclasses import asdict, dataclass, replace

from . import state
from .codes import Refused
from .conf import App
from .people import PEOPLE, Person

CODE_SECONDS = 600
TOKEN_SECONDS = 7_776_000

# Records outlive their use for a while, so that "expired" and "used" can be told from "never heard of it".
_MEMORY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Grant:
    client_id: str
    person_id: str
    scope: str
    redirect_uri: str
    issued_at: float

    @property
    def person(self) -> Person:
        return PEOPLE[self.person_id]


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str
    refresh: str
    grant: Grant


def issue_code(*, app: App, person: Person, redirect_uri: str, scope: str) -> str:
    return _keep("code", Grant(app.client_id, person.id, scope, redirect_uri, time.time()), CODE_SECONDS)


def redeem_code(code: str, *, app: App, redirect_uri: str) -> Tokens:
    """Tokens for a code, once, within ten minutes, with the redirect_uri it was issued for."""
    grant = _find("code", code)
    if grant is None or grant.client_id != app.client_id:
        raise Refused(100019)
    if grant.redirect_uri != redirect_uri:
        raise Refused(100010)
    if _age(grant) >= CODE_SECONDS:
        raise Refused(100019)
    if not state.put_once("used_code", code, CODE_SECONDS + _MEMORY_SECONDS):
        raise Refused(100020)
    return _issue_tokens(grant)


def renew(refresh_token: str, *, app: App) -> Tokens:
    """New tokens for a refresh token, which is used up."""
    grant = _find("refresh", refresh_token)
    if grant is None or grant.client_id != app.client_id or not state.forget("refresh", refresh_token):
        raise Refused(100022)
    return _issue_tokens(grant)


def read(access_token: str) -> Grant | None:
    """What an access token stands for; None where it was never issued."""
    grant = _find("access", access_token)
    if grant is not None and _age(grant) >= TOKEN_SECONDS:
        raise Refused(100014)
    return grant


def _issue_tokens(grant: Grant) -> Tokens:
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
