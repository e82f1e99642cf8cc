"""The state of a sign-in: what the provider brings back, and what the browser keeps to make it mean something.

A state is 32 letters and digits, since WeChat takes no more than letters and digits. It says nothing: where the sign-in
leads, and the secret that the provider is asked and answered with, is signed in an HttpOnly cookie whose name and
signature are the state's. So several tabs sign in at once, and a stolen address is worth nothing elsewhere.
Nothing is stored: one use of the state is the cookie's removal here and the code's single use at the provider. But for
a state with an intent, of a front end that keeps no cookies: see :func:`keep`.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from phonebind import browser, store
from phonebind.browser import Cookie
from phonebind.exceptions import StateInvalid
from phonebind.oauth.base import WebProvider

#: Seconds.
MAX_AGE = 600
#: A sign-in that has expired still tells where it was to lead.
KNOWN_AGE = 3_600
#: Who has this many sign-ins open has forgotten most.
MAX_OPEN = 8
#: Bytes that the cookies of open sign-ins may weigh together: eight with a `next` as people have it, one or two with
#: the longest. One whose state does not come back weighs 180, so that there are five.
ROOM = 960

SALT = "phonebind.state.v2"
STATELESS_SALT = "phonebind.flow.v1"
#: Until 0.2 a state was signed itself, and its cookie held a secret: those under way when a site is upgraded.
OLD_SALT = "phonebind.state.v1"

_STATE = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class State:
    """A sign-in that was started here. ``digest`` names its cookie, and is empty where none belongs to it.

    ``secret``: what the provider derives its nonce and PKCE verifier from; "" for one that has none.
    """

    next: str
    digest: str
    secret: str = ""

    @property
    def id(self) -> str:
        """It names the sign-in and is no secret."""
        return self.digest[: browser.ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Started:
    """What ``login_url`` is made of, and the cookie that makes it this browser's."""

    state: str
    cookie: Cookie | None = None
    secret: str = ""

    @property
    def weight(self) -> int:
        """Bytes in the head of the request that brings it back: its query stands there twice."""
        return 2 * len(self.state) + (self.cookie.weight if self.cookie else 0)


def start(request: HttpRequest, provider: WebProvider, next_url: str, intent: str = "") -> Started:
    """``intent``: what the state is made for besides a sign-in, in whichever words; it serves for that alone."""
    state, secret = secrets.token_hex(16), new_secret(provider)
    payload = [next_url, secret] if secret else [next_url]
    value = signing.dumps(payload, salt=_salt(provider, state, intent), compress=True)
    return Started(state, Cookie(browser.name_of(request, "flow", _digest(state)), value, KNOWN_AGE), secret)


def keep(started: Started) -> None:
    """For a front end that keeps no cookies: what would be in one waits here, and is read once. For a state alone whose
    intent names the user and the session: who brings it must show both.
    """
    assert started.cookie
    with store.connection() as client:
        client.set(_kept(_digest(started.state)), started.cookie.value, ex=MAX_AGE)


def take(request: HttpRequest, provider: WebProvider, state: str, intent: str) -> State:
    """As :func:`read`, of what :func:`keep` has kept; from a browser that has the cookie as well, of either."""
    digest = _digest(state)
    with store.connection() as client:
        found = client.getdel(_kept(digest))
    if found is None:
        return read(request, provider, state, intent)
    payload = _payload(found.decode() if isinstance(found, bytes) else found, _salt(provider, state, intent), MAX_AGE)
    if payload is None:
        raise StateInvalid
    return State(payload[0], digest, "".join(payload[1:]))


def read(request: HttpRequest, provider: WebProvider, state: str, intent: str = "") -> State:
    """The sign-in that this browser started, with this intent, and has not finished.

    Raises StateInvalid: expired, forged, for another provider, app or intent, from another browser, or used.
    """
    if not _STATE.match(state):
        if intent:
            raise StateInvalid
        return _read_old(request, provider, state)
    found = _load(request, provider, state, MAX_AGE, intent)
    if found is None:
        raise StateInvalid
    return found


def known(request: HttpRequest, provider: WebProvider, state: str) -> State | None:
    """As much as is known of a sign-in that :func:`read` refuses: its ``id``, and where it was to lead if it has but
    expired, or else "". None for what is no state of ours.
    """
    if not _STATE.match(state):
        old = _payload(state, OLD_SALT, MAX_AGE)
        return State(next=old["next"], digest=old["cookie"]) if old else None
    return _load(request, provider, state, KNOWN_AGE) or State(next="", digest=_digest(state))


def start_stateless(request: HttpRequest, provider: WebProvider, state: str) -> Started:
    """A sign-in whose ``state`` is the front end's and may not come back: the cookie is all there is of it."""
    secret = new_secret(provider)
    payload = {"provider": provider.name, "app_id": provider.app_id, "once": secrets.token_urlsafe(9), "secret": secret}
    value = signing.dumps(payload, salt=STATELESS_SALT, compress=True)
    return Started(state, Cookie(browser.name_of(request, "flow", _digest(value)), value, MAX_AGE), secret)


def read_stateless(request: HttpRequest, provider: WebProvider, next_url: str) -> State:
    """The newest sign-in of :func:`start_stateless` that this browser has open with this provider.

    Raises StateInvalid: expired, forged, for another provider or app, from another browser, or used.
    """
    for name, value in reversed(list(browser.others(request, browser.name_of(request, "flow", "")))):
        payload, digest = _payload(value, STATELESS_SALT, MAX_AGE), _digest(value)
        ours = payload and (payload["provider"], payload["app_id"]) == (provider.name, provider.app_id)
        # Under another name it could not be removed, and would serve again.
        if ours and name == browser.name_of(request, "flow", digest):
            return State(next=next_url, digest=digest, secret=payload.get("secret", ""))
    raise StateInvalid


def remember(request: HttpRequest, response: HttpResponseBase, started: Started) -> None:
    """Set its cookie, where it has one, and drop the surplus of sign-ins that were begun and left."""
    if started.cookie:
        browser.remember(request, response, started.cookie, most=MAX_OPEN, room=ROOM)


def forget(request: HttpRequest, response: HttpResponseBase, state: State) -> None:
    """The state is used: remove its cookie, where it has one."""
    if state.digest:
        browser.delete(response, browser.name_of(request, "flow", state.digest))


def new_secret(provider: WebProvider) -> str:
    """43 letters of RFC 7636, 4.1, for a provider that uses one."""
    return secrets.token_urlsafe(32) if provider.uses_secret else ""


def _load(request: HttpRequest, provider: WebProvider, state: str, max_age: int, intent: str = "") -> State | None:
    digest = _digest(state)
    payload = _payload(browser.held(request, "flow", digest), _salt(provider, state, intent), max_age)
    return State(payload[0], digest, "".join(payload[1:])) if payload else None


def _read_old(request: HttpRequest, provider: WebProvider, state: str) -> State:
    payload = _payload(state, OLD_SALT, MAX_AGE)
    if payload is None or (payload["provider"], payload["app_id"]) != (provider.name, provider.app_id):
        raise StateInvalid
    digest: str = payload["cookie"]
    if not constant_time_compare(_digest(browser.held(request, "flow", digest)), digest):
        raise StateInvalid
    return State(next=payload["next"], digest=digest)


def _salt(provider: WebProvider, state: str, intent: str) -> str:
    """So that the signature is good for this provider, app, state and intent alone, and the cookie need not name them.

    Without an intent it is what it was before there were any; and a server that knows of none refuses them all.
    """
    signed = f"{SALT}:{provider.name}:{provider.app_id}:{state}"
    return f"{signed}:{intent}" if intent else signed


def _payload(token: str, salt: str, max_age: int) -> Any:
    if not token.isascii():
        return None
    try:
        return signing.loads(token, salt=salt, max_age=max_age)
    except signing.BadSignature:
        return None


def _kept(digest: str) -> str:
    return store.key("state", digest)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
