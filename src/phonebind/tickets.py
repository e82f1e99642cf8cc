"""State and bind ticket: what a browser carries through a sign-in, signed, 10 minutes long, and of use to it alone.

Each has its own salt, and inside it provider, app and the digest of a secret. The secret is in an HttpOnly cookie of
its own, named after that digest, so that several tabs sign in at once and a stolen URL or ticket is worth nothing
elsewhere.
Nothing is stored: one use of the state is the cookie's removal here and the code's single use at the provider.
"""

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from phonebind import cookies
from phonebind.conf import conf
from phonebind.exceptions import StateInvalid, TicketInvalid
from phonebind.oauth.base import Identity, Provider

MAX_AGE = 600
#: A kept ticket that has expired still tells where the sign-in was to lead.
KEPT_AGE = 3_600
#: Browsers and servers limit what all cookies weigh together; who has this many sign-ins open has forgotten most.
MAX_OPEN = 8
#: More tabs than that at a form at once are nobody's.
MAX_KEPT = 3
#: Bytes that kept tickets may weigh together: three with a `next` as people have it, or one of 900 with the longest.
#: uWSGI as it comes has 4,096 for the head of a request, and the browser and the next sign-in's address take 2,900.
KEPT_ROOM = 1_120
#: Bytes for kept tickets and the address of a request that is about to come, where we know it.
ROOM = 1_900
ID_LENGTH = 12

STATE_SALT = "phonebind.state.v1"
STATELESS_SALT = "phonebind.flow.v1"
TICKET_SALT = "phonebind.ticket.v1"

#: What our cookies are called. Others may begin alike, and be called what no answer can repeat.
_OURS = re.compile(r"(?:__Host-)?phonebind_(?:flow|ticket|kept)_[0-9a-f]{1,12}\Z")


@dataclass(frozen=True, slots=True)
class Cookie:
    """Sent with the answer that carries the state or the ticket it belongs to."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class State:
    """A sign-in that was started here. ``digest`` is its cookie's; ``id`` names it and is no secret."""

    next: str
    digest: str

    @property
    def id(self) -> str:
        return self.digest[:ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Ticket:
    """Proof that this browser has just shown to own ``identity``."""

    identity: Identity
    next: str


def start(request: HttpRequest, provider: Provider, next_url: str) -> tuple[str, Cookie]:
    """A state for the provider to bring back, and the cookie that makes it this browser's."""
    cookie, digest = _new_cookie(request, "flow")
    payload = {"provider": provider.name, "app_id": provider.app_id, "next": next_url, "cookie": digest}
    return signing.dumps(payload, salt=STATE_SALT, compress=True), cookie


def read_state(request: HttpRequest, provider: Provider, state: str) -> State:
    """The sign-in that this browser started and has not finished.

    Raises StateInvalid: expired, forged, for another provider or app, from another browser, or used.
    """
    started = parse_state(provider, state)
    if not _is_own(request, "flow", started.digest):
        raise StateInvalid
    return started


def start_stateless(request: HttpRequest, provider: Provider) -> Cookie:
    """A sign-in whose state will not come back: the cookie is all there is of it."""
    payload = {"provider": provider.name, "app_id": provider.app_id, "once": secrets.token_urlsafe(9)}
    value = signing.dumps(payload, salt=STATELESS_SALT, compress=True)
    return Cookie(name=_name(request, "flow", _digest(value)), value=value)


def read_stateless(request: HttpRequest, provider: Provider, next_url: str) -> State:
    """The newest sign-in of :func:`start_stateless` that this browser has open with this provider.

    Raises StateInvalid: expired, forged, for another provider or app, from another browser, or used.
    """
    held = cookies.read(request)
    # Browsers send the oldest first.
    for name in reversed(list(_others(request, _name(request, "flow", "")))):
        payload, digest = _load(held[name], STATELESS_SALT), _digest(held[name])
        ours = payload and (payload["provider"], payload["app_id"]) == (provider.name, provider.app_id)
        # Under another name it could not be removed, and would serve again.
        if ours and name == _name(request, "flow", digest):
            return State(next=next_url, digest=digest)
    raise StateInvalid


def parse_state(provider: Provider, state: str) -> State:
    """Any sign-in started here, whoever brings it, used or not: good to know where it was to lead, and no proof.

    Raises StateInvalid: expired, forged, for another provider or app.
    """
    payload = _load(state, STATE_SALT)
    if payload is None or (payload["provider"], payload["app_id"]) != (provider.name, provider.app_id):
        raise StateInvalid
    return State(next=payload["next"], digest=payload["cookie"])


def issue(request: HttpRequest, identity: Identity, next_url: str) -> tuple[str, Cookie]:
    """The bind ticket (the contract's ``access_token``) and the cookie that makes it this browser's."""
    cookie, digest = _new_cookie(request, "ticket")
    return _sign_ticket(identity, next_url, digest), cookie


def issue_unbound(identity: Identity, next_url: str) -> str:
    """A bind ticket for a front end that keeps no cookies: worth something wherever ``unbound`` ones are read."""
    return _sign_ticket(identity, next_url, "")


def read(request: HttpRequest, provider: Provider, ticket: str, *, unbound: bool = False) -> Ticket:
    """Raises TicketInvalid: expired, forged, for another provider or app, or from another browser.

    ``unbound``: tickets of :func:`issue_unbound` will do too.
    """
    found = read_any(request, ticket, unbound=unbound)
    if (found.identity.provider, found.identity.app_id) != (provider.name, provider.app_id):
        raise TicketInvalid
    return found


def read_any(request: HttpRequest, ticket: str, *, unbound: bool = False) -> Ticket:
    """As :func:`read`, for whichever provider and app: enough to know who asks, and not to bind."""
    payload = _load(ticket, TICKET_SALT)
    if payload is None:
        raise TicketInvalid
    if not (_is_own(request, "ticket", payload["cookie"]) if payload["cookie"] else unbound):
        raise TicketInvalid
    return Ticket(identity=Identity(**payload["identity"]), next=payload["next"])


def remember(
    request: HttpRequest,
    response: HttpResponseBase,
    cookie: Cookie | None,
    *,
    most: int = MAX_OPEN,
    max_age: int = MAX_AGE,
) -> None:
    """Set the cookie, where there is one, and drop the surplus of sign-ins that were begun and left."""
    if cookie is None:
        return
    response.set_cookie(
        cookie.name,
        cookie.value,
        max_age=max_age,
        secure=_is_secure(request),
        httponly=True,
        samesite=conf.cookie_samesite,  # type: ignore[arg-type]
    )
    for surplus in list(_others(request, cookie.name))[: 1 - most]:
        _delete(response, surplus)


def forget(request: HttpRequest, response: HttpResponseBase, state: State) -> None:
    """The state is used: remove its cookie, where it has one."""
    if state.digest:
        _delete(response, _name(request, "flow", state.digest))


def forget_all(request: HttpRequest, response: HttpResponseBase) -> None:
    """Every sign-in that is open in this browser: the next person at it is somebody else."""
    for name in cookies.read(request):
        if _OURS.match(name):
            _delete(response, name)


def keep(request: HttpRequest, response: HttpResponseBase, state: State, ticket: str) -> None:
    """For pages that must survive a reload: the ticket itself in a cookie, named after the sign-in it came of."""
    cookie = Cookie(_name(request, "kept", state.digest), ticket)
    remember(request, response, cookie, most=MAX_KEPT, max_age=KEPT_AGE)
    _drop_oldest(request, response, cookie.name, KEPT_ROOM - _weight(cookie.name, cookie.value))


def make_room(request: HttpRequest, response: HttpResponseBase, address: int) -> None:
    """Drop the oldest kept tickets that leave no room for ``address`` bytes in what this browser asks for next.

    Their pages work on: the form has its ticket. They do not survive a reload.
    """
    _drop_oldest(request, response, _name(request, "kept", ""), ROOM - address)


def drop(request: HttpRequest, response: HttpResponseBase, flow_id: str) -> None:
    """The ticket of :func:`keep` has done its work, and would go along with every request for an hour."""
    name = _name(request, "kept", flow_id)
    # The id is what somebody has typed, perhaps, and no name that an answer can repeat.
    if _OURS.match(name) and name in cookies.read(request):
        _delete(response, name)


def kept(request: HttpRequest, flow_id: str) -> str:
    """The ticket of :func:`keep`, or ""."""
    return cookies.read(request).get(_name(request, "kept", flow_id), "")


def kept_next(request: HttpRequest, flow_id: str) -> str:
    """Where the sign-in of :func:`keep` was to lead, expired or not; "" where nothing is kept."""
    payload = _load(kept(request, flow_id), TICKET_SALT, KEPT_AGE)
    return str(payload["next"]) if payload else ""


def _drop_oldest(request: HttpRequest, response: HttpResponseBase, own: str, room: int) -> None:
    """Of the cookies that are of one kind with ``own``, as many as find no room."""
    held = cookies.read(request)
    for name in reversed(list(_others(request, own))):
        room -= _weight(name, held[name])
        if room < 0:
            _delete(response, name)


def _weight(name: str, value: str) -> int:
    return len(f"{name}={value}; ")


def _others(request: HttpRequest, own: str) -> Iterator[str]:
    """The cookies of ours that are of one kind with ``own``. Browsers send the oldest first (RFC 6265, 5.4)."""
    kind = own.rpartition("_")[0]
    for name in cookies.read(request):
        if _OURS.match(name) and name.startswith(f"{kind}_") and name != own:
            yield name


def _delete(response: HttpResponseBase, name: str) -> None:
    response.delete_cookie(name, samesite=conf.cookie_samesite)  # type: ignore[arg-type]


def _sign_ticket(identity: Identity, next_url: str, digest: str) -> str:
    payload = {"identity": asdict(identity), "next": next_url, "cookie": digest}
    return signing.dumps(payload, salt=TICKET_SALT, compress=True)


def _load(token: str, salt: str, max_age: int = MAX_AGE) -> dict[str, Any] | None:
    if not token.isascii():
        return None
    try:
        payload: dict[str, Any] = signing.loads(token, salt=salt, max_age=max_age)
    except signing.BadSignature:
        return None
    return payload


def _new_cookie(request: HttpRequest, kind: str) -> tuple[Cookie, str]:
    secret = secrets.token_urlsafe(16)
    digest = _digest(secret)
    return Cookie(name=_name(request, kind, digest), value=secret), digest


def _is_own(request: HttpRequest, kind: str, digest: str) -> bool:
    secret = cookies.read(request).get(_name(request, kind, digest), "")
    return constant_time_compare(_digest(secret), digest)


def _name(request: HttpRequest, kind: str, digest: str) -> str:
    # __Host- cookies cannot be planted by another host of the same site, which over plain HTTP nothing prevents.
    prefix = "__Host-" if _is_secure(request) else ""
    return f"{prefix}phonebind_{kind}_{digest[:ID_LENGTH]}"


def _is_secure(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_SECURE or request.is_secure()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
