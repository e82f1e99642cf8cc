"""The bind ticket, the contract's ``access_token``: proof that somebody has just shown to own an identity.

It is signed, 10 minutes long, and holds the digest of a secret that is in an HttpOnly cookie of its own, named after
that digest: so several tabs are at a form at once, and a stolen ticket is worth nothing in another browser. Apps keep
no cookies; theirs is *loose*: it is good for its holder, and for one bind.
"""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from phonebind import browser, store
from phonebind.browser import Cookie
from phonebind.exceptions import StorageUnavailable, TicketInvalid
from phonebind.oauth.base import Identity, Provider

#: Seconds.
MAX_AGE = 600
#: A kept ticket that has expired still tells where the sign-in was to lead.
KEPT_AGE = 3_600
#: Forms at once whose tickets are good.
MAX_OPEN = 8
#: More tabs than that at a form at once are nobody's.
MAX_KEPT = 3
#: Bytes that the tickets' own cookies may weigh together.
OPEN_ROOM = 600
#: Bytes that kept tickets may weigh together: three with a `next` as people have it, or one of 900 with the longest.
#: uWSGI as it comes has 4,096 for the head of a request, and the browser and the next sign-in's address take 2,900.
KEPT_ROOM = 1_100
#: Bytes for kept tickets, the address of a request that is about to come, where we know it, and its sign-in's cookie.
ROOM = 1_900

SALT = "phonebind.ticket.v2"
#: Until 0.2. Servers that are not upgraded yet refuse tickets of the new salt: they know no avatars and no loose ones.
OLD_SALT = "phonebind.ticket.v1"


@dataclass(frozen=True, slots=True)
class Ticket:
    """``once`` names a loose ticket, and is "" for all others. ``renewed``: by :func:`renew`; ``proved``: a mobile that
    was proved for this identity on the way to the form, and what names that proof, for ``mobile_proofs.of``.
    """

    identity: Identity
    next: str
    once: str = ""
    renewed: bool = False
    proved: tuple[str, str] | None = None


def issue(request: HttpRequest, identity: Identity, next_url: str) -> tuple[str, Cookie]:
    """The ticket, and the cookie that makes it this browser's."""
    secret = secrets.token_urlsafe(16)
    digest = _digest(secret)
    cookie = Cookie(browser.name_of(request, "ticket", digest), secret, MAX_AGE)
    return _sign(identity, next_url, cookie=digest), cookie


def issue_unbound(identity: Identity, next_url: str) -> str:
    """A ticket for a front end that keeps no cookies: worth something wherever ``unbound`` ones are read."""
    return _sign(identity, next_url, cookie="")


def issue_loose(identity: Identity, next_url: str) -> str:
    """A ticket for an app: worth something wherever ``loose`` ones are read, to whoever holds it, once."""
    return _sign(identity, next_url, cookie="", once=secrets.token_urlsafe(12))


def read(
    request: HttpRequest, provider: Provider, ticket: str, *, unbound: bool = False, loose: bool = False
) -> Ticket:
    """Raises TicketInvalid: expired, forged, for another provider or app, or from another browser.

    ``unbound``, ``loose``: tickets of :func:`issue_unbound`, of :func:`issue_loose` will do too.
    """
    found = read_any(request, ticket, unbound=unbound, loose=loose)
    if (found.identity.provider, found.identity.app_id) != (provider.family, provider.app_id):
        raise TicketInvalid
    return found


def read_any(request: HttpRequest, ticket: str, *, unbound: bool = False, loose: bool = False) -> Ticket:
    """As :func:`read`, for whichever provider and app: enough to know who asks, and not to bind."""
    payload = _load(ticket)
    if payload is None:
        raise TicketInvalid
    digest, once = payload["cookie"], payload.get("once", "")
    if digest:
        good = constant_time_compare(_digest(browser.held(request, "ticket", digest)), digest)
    else:
        good = loose if once else unbound
    if not good:
        raise TicketInvalid
    proved = payload.get("proved")
    return Ticket(
        identity=Identity(**payload["identity"]),
        next=payload["next"],
        once=once,
        renewed=payload.get("renewed", False),
        proved=tuple(proved) if proved else None,
    )


def renew(request: HttpRequest, response: HttpResponseBase, flow_id: str, ticket: Ticket, *, proved: str = "") -> str:
    """The same ticket for as long again, kept for the form of ``flow_id``: whoever has forgotten a password there sets
    another first. ``proved``: the mobile that this has proved, so that the form asks for no second SMS.

    Before the mobile is proved this is for tickets that are not ``renewed`` yet: once.
    """
    secret = secrets.token_urlsafe(16)
    digest = _digest(secret)
    said: dict[str, Any] = {"cookie": digest, "renewed": True}
    if proved:
        said["proved"] = (proved, secrets.token_urlsafe(12))
    text = _sign(ticket.identity, ticket.next, **said)
    remember(request, response, Cookie(browser.name_of(request, "ticket", digest), secret, MAX_AGE))
    keep(request, response, flow_id, text)
    return text


def spend(ticket: Ticket) -> None:
    """A loose ticket has bound: from now on it can but repeat that bind."""
    if ticket.once:
        with suppress(StorageUnavailable):
            store.first(_spent_key(ticket), MAX_AGE)


def is_spent(ticket: Ticket) -> bool:
    """Raises StorageUnavailable."""
    return bool(ticket.once) and store.exists(_spent_key(ticket))


def remember(request: HttpRequest, response: HttpResponseBase, cookie: Cookie | None) -> None:
    """Set the ticket's cookie, where it has one, and drop the surplus."""
    if cookie is not None:
        browser.remember(request, response, cookie, most=MAX_OPEN, room=OPEN_ROOM)


def keep(request: HttpRequest, response: HttpResponseBase, flow_id: str, ticket: str) -> None:
    """For pages that must survive a reload: the ticket itself in a cookie, named after the sign-in it came of."""
    cookie = Cookie(browser.name_of(request, "kept", flow_id), ticket, KEPT_AGE)
    if browser.is_ours(cookie.name):
        browser.remember(request, response, cookie, most=MAX_KEPT, room=KEPT_ROOM)


def make_room(request: HttpRequest, response: HttpResponseBase, coming: int) -> None:
    """Drop the oldest kept tickets that leave no room for ``coming`` bytes in what this browser asks for next.

    Their pages work on: the form has its ticket. They do not survive a reload.
    """
    browser.drop_oldest(request, response, browser.name_of(request, "kept", ""), most=MAX_KEPT, room=ROOM - coming)


def drop(request: HttpRequest, response: HttpResponseBase, flow_id: str) -> None:
    """The ticket of :func:`keep` has done its work, and would go along with every request for an hour."""
    browser.drop(request, response, "kept", flow_id)


def kept(request: HttpRequest, flow_id: str) -> str:
    """The ticket of :func:`keep`, or ""."""
    return browser.held(request, "kept", flow_id)


def kept_next(request: HttpRequest, flow_id: str) -> str:
    """Where the sign-in of :func:`keep` was to lead, expired or not; "" where nothing is kept."""
    payload = _load(kept(request, flow_id), KEPT_AGE)
    return str(payload["next"]) if payload else ""


def _spent_key(ticket: Ticket) -> str:
    return store.key("ticket", ticket.once)


def _sign(identity: Identity, next_url: str, **more: Any) -> str:
    said = {name: value for name, value in asdict(identity).items() if value}
    payload = {"identity": said, "next": next_url, **more}
    return signing.dumps(payload, salt=SALT, compress=True)


def _load(token: str, max_age: int = MAX_AGE) -> dict[str, Any] | None:
    if token.isascii():
        for salt in (SALT, OLD_SALT):
            with suppress(signing.BadSignature):
                payload: dict[str, Any] = signing.loads(token, salt=salt, max_age=max_age)
                return payload
    return None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
