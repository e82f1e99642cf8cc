"""The state of a sign-in: the provider sends it back, and a cookie of the browser gives it a meaning.

A state is 32 letters and digits, since WeChat accepts only letters and digits. It contains no information. The target
(``next``) and the secret between us and the provider are in a signed HttpOnly cookie. The cookie's name and signature
depend on the state. So several tabs can sign in at once, and a stolen address is useless in another browser.

The server stores nothing. A state is used once: we delete the cookie here, and the provider accepts its code only once.
The exception is a state with an intent, of a front end that keeps no cookies: see :func:`keep`.
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
#: Seconds. A sign-in that has expired still tells where it leads (``next``).
KNOWN_AGE = 3_600
#: Open sign-ins in one browser. A person with this many has forgotten most of them.
MAX_OPEN = 8
#: Bytes: the most that the cookies of open sign-ins may have together: eight with a usual `next`, one or two with the
#: longest `next`. A cookie of a state that does not come back has 180 bytes, so there are five.
ROOM = 960

SALT = "phonebind.state.v2"
STATELESS_SALT = "phonebind.flow.v1"
#: Until 0.2 the state itself was signed, and its cookie held a secret. For sign-ins in progress during an upgrade.
OLD_SALT = "phonebind.state.v1"

_STATE = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class State:
    """A sign-in that was started here. ``digest`` names its cookie, and is empty if it has none.

    ``secret``: the provider derives its nonce and its PKCE verifier from it; "" if the provider needs none.
    """

    next: str
    digest: str
    secret: str = ""

    @property
    def id(self) -> str:
        """The id of the sign-in. It is no secret."""
        return self.digest[: browser.ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Started:
    """The parts of ``login_url``, and the cookie that ties the sign-in to this browser."""

    state: str
    cookie: Cookie | None = None
    secret: str = ""

    @property
    def weight(self) -> int:
        """Bytes in the head of the request that brings the state back: the head contains the query twice."""
        return 2 * len(self.state) + (self.cookie.weight if self.cookie else 0)


def start(request: HttpRequest, provider: WebProvider, next_url: str, intent: str = "") -> Started:
    """``intent``: the purpose of the state, if it is not a sign-in, as any text; the state is valid for that alone."""
    state, secret = secrets.token_hex(16), new_secret(provider)
    payload = [next_url, secret] if secret else [next_url]
    value = signing.dumps(payload, salt=_salt(provider, state, intent), compress=True)
    return Started(state, Cookie(browser.name_of(request, "flow", _digest(state)), value, KNOWN_AGE), secret)


def keep(started: Started) -> None:
    """For a front end that keeps no cookies: the store keeps what a cookie would hold, for one read.

    Only for a state whose intent names the user and the session: the person who brings it back must show both.
    """
    assert started.cookie
    with store.connection() as client:
        client.set(_kept(_digest(started.state)), started.cookie.value, ex=MAX_AGE)


def take(request: HttpRequest, provider: WebProvider, state: str, intent: str) -> State:
    """Like :func:`read`, for a state of :func:`keep`. A browser that also has the cookie may use either."""
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
    """The sign-in with this intent that this browser has started and not finished.

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
    """What is known of a sign-in that :func:`read` refuses: its ``id``; and ``next``, if it has only expired, or "".

    None if it is no state of ours.
    """
    if not _STATE.match(state):
        old = _payload(state, OLD_SALT, MAX_AGE)
        return State(next=old["next"], digest=old["cookie"]) if old else None
    return _load(request, provider, state, KNOWN_AGE) or State(next="", digest=_digest(state))


def start_stateless(request: HttpRequest, provider: WebProvider, state: str) -> Started:
    """A sign-in whose ``state`` is the front end's and may not come back. Only the cookie identifies it."""
    secret = new_secret(provider)
    payload = {"provider": provider.name, "app_id": provider.app_id, "once": secrets.token_urlsafe(9), "secret": secret}
    value = signing.dumps(payload, salt=STATELESS_SALT, compress=True)
    return Started(state, Cookie(browser.name_of(request, "flow", _digest(value)), value, MAX_AGE), secret)


def read_stateless(request: HttpRequest, provider: WebProvider, next_url: str) -> State:
    """The newest sign-in of :func:`start_stateless` that is open in this browser for this provider.

    Raises StateInvalid: expired, forged, for another provider or app, from another browser, or used.
    """
    for name, value in reversed(list(browser.others(request, browser.name_of(request, "flow", "")))):
        payload, digest = _payload(value, STATELESS_SALT, MAX_AGE), _digest(value)
        ours = payload and (payload["provider"], payload["app_id"]) == (provider.name, provider.app_id)
        # A cookie with another name could not be deleted, and could be used again.
        if ours and name == browser.name_of(request, "flow", digest):
            return State(next=next_url, digest=digest, secret=payload.get("secret", ""))
    raise StateInvalid


def remember(request: HttpRequest, response: HttpResponseBase, started: Started) -> None:
    """Set the cookie, if it has one, and delete the oldest cookies of abandoned sign-ins above the limits."""
    if started.cookie:
        browser.remember(request, response, started.cookie, most=MAX_OPEN, room=ROOM)


def forget(request: HttpRequest, response: HttpResponseBase, state: State) -> None:
    """The state is used: delete its cookie, if it has one."""
    if state.digest:
        browser.delete(response, browser.name_of(request, "flow", state.digest))


def new_secret(provider: WebProvider) -> str:
    """43 characters (RFC 7636, 4.1) for a provider that uses a secret; otherwise ""."""
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
    """Makes the signature valid only for this provider, app, state and intent, so the cookie need not contain them.

    Without an intent, the salt is the same as in versions without intents. A server of such a version refuses all
    states with an intent.
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
