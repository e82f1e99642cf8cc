"""The binding token, here called *ticket* (``access_token`` in the HTTP API): it proves who owns an identity.

A ticket is signed and valid for 10 minutes. It contains the digest of a secret, and an HttpOnly cookie holds that
secret. The cookie is named after the digest. So several tabs can have a form open at once, and a stolen ticket is
useless in another browser. Apps keep no cookies. Their ticket is *loose*: any holder can use it, for one bind.
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
#: Seconds. A kept ticket that has expired still tells where the sign-in leads (``next``).
KEPT_AGE = 3_600
#: Tickets that are valid at once in one browser.
MAX_OPEN = 8
#: Tabs with a form at once in one browser. No person needs more.
MAX_KEPT = 3
#: Bytes: the most that the tickets' cookies may have together.
OPEN_ROOM = 600
#: Bytes: the most that kept tickets may have together: three with a usual `next`, or one of 900 with a `next` of full
#: length. uWSGI by default accepts 4,096 for the head of a request, and the browser's headers and the address of the
#: next sign-in take 2,900.
KEPT_ROOM = 1_100
#: Bytes for kept tickets, for the next request's address (where we know it), and for the cookie of its sign-in.
ROOM = 1_900

SALT = "phonebind.ticket.v2"
#: Until 0.2. Servers that are not upgraded yet refuse tickets with the new salt: they know no avatars and no loose
#: ones.
OLD_SALT = "phonebind.ticket.v1"


@dataclass(frozen=True, slots=True)
class Ticket:
    """``once`` is the id of a loose ticket, and "" for all others. ``renewed``: made by :func:`renew`.

    ``proved``: a mobile that was proved for this identity before the form, and the id of that proof, for
    ``mobile_proofs.of``.
    """

    identity: Identity
    next: str
    once: str = ""
    renewed: bool = False
    proved: tuple[str, str] | None = None


def issue(request: HttpRequest, identity: Identity, next_url: str) -> tuple[str, Cookie]:
    """The ticket, and the cookie that ties it to this browser."""
    secret = secrets.token_urlsafe(16)
    digest = _digest(secret)
    cookie = Cookie(browser.name_of(request, "ticket", digest), secret, MAX_AGE)
    return _sign(identity, next_url, cookie=digest), cookie


def issue_unbound(identity: Identity, next_url: str) -> str:
    """A ticket for a front end that keeps no cookies. :func:`read` accepts it with ``unbound=True`` only."""
    return _sign(identity, next_url, cookie="")


def issue_loose(identity: Identity, next_url: str) -> str:
    """A ticket for an app. Any holder can use it once. :func:`read` accepts it with ``loose=True`` only."""
    return _sign(identity, next_url, cookie="", once=secrets.token_urlsafe(12))


def read(
    request: HttpRequest, provider: Provider, ticket: str, *, unbound: bool = False, loose: bool = False
) -> Ticket:
    """Raises TicketInvalid: expired, forged, for another provider or app, or from another browser.

    ``unbound`` and ``loose``: also accept tickets of :func:`issue_unbound` and of :func:`issue_loose`.
    """
    found = read_any(request, ticket, unbound=unbound, loose=loose)
    if (found.identity.provider, found.identity.app_id) != (provider.family, provider.app_id):
        raise TicketInvalid
    return found


def read_any(request: HttpRequest, ticket: str, *, unbound: bool = False, loose: bool = False) -> Ticket:
    """Like :func:`read`, for any provider and app: enough to know the identity, not enough to bind it."""
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
    """The same ticket with a new lifetime, kept for the form of ``flow_id``.

    A person who forgot the password sets a new one before the form. ``proved`` is the mobile that this step proved, so
    that the form does not ask for a second SMS. While the mobile is not proved, only tickets that are not ``renewed``
    may be passed: a ticket is renewed once.
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
    """A loose ticket has bound its identity. From now on it can only repeat that bind."""
    if ticket.once:
        with suppress(StorageUnavailable):
            store.first(_spent_key(ticket), MAX_AGE)


def is_spent(ticket: Ticket) -> bool:
    """Raises StorageUnavailable."""
    return bool(ticket.once) and store.exists(_spent_key(ticket))


def remember(request: HttpRequest, response: HttpResponseBase, cookie: Cookie | None) -> None:
    """Set the ticket's cookie, if it has one, and delete the oldest ones above the limits."""
    if cookie is not None:
        browser.remember(request, response, cookie, most=MAX_OPEN, room=OPEN_ROOM)


def keep(request: HttpRequest, response: HttpResponseBase, flow_id: str, ticket: str) -> None:
    """For pages that must survive a reload: keep the ticket in a cookie that is named after its sign-in."""
    cookie = Cookie(browser.name_of(request, "kept", flow_id), ticket, KEPT_AGE)
    if browser.is_ours(cookie.name):
        browser.remember(request, response, cookie, most=MAX_KEPT, room=KEPT_ROOM)


def make_room(request: HttpRequest, response: HttpResponseBase, coming: int) -> None:
    """Drop the oldest kept tickets if they leave no room for ``coming`` bytes in the browser's next request.

    Their pages still work, since the form contains the ticket. But these pages do not survive a reload.
    """
    browser.drop_oldest(request, response, browser.name_of(request, "kept", ""), most=MAX_KEPT, room=ROOM - coming)


def drop(request: HttpRequest, response: HttpResponseBase, flow_id: str) -> None:
    """Delete the ticket of :func:`keep` after use. Otherwise the browser sends it with every request for an hour."""
    browser.drop(request, response, "kept", flow_id)


def kept(request: HttpRequest, flow_id: str) -> str:
    """The ticket of :func:`keep`, or "" if there is none."""
    return browser.held(request, "kept", flow_id)


def kept_next(request: HttpRequest, flow_id: str) -> str:
    """The ``next`` of the sign-in of :func:`keep`, even if the ticket has expired; "" if nothing is kept."""
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
