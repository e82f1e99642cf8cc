"""The audit trail: one structured record for each outcome, on the logger ``phonebind.audit``.

An edge notes the action, and the domain notes the outcome. The edge writes the record when the answer is ready. Each
record has these attributes, which are also in its text:

action      ways, authorize, callback, native, image_code, human_check, sms_code, sms_receipt, vendor_receipts,
            mobile_proof, bind, password, refresh, sign_out, login, done; of the account life: account, own_password,
            own_mobile, verification, identities, identity, sessions, session, revoke, sms_sign_in, sign_up,
            password_reset, ownership; for the pages of the course account_count, reset_account, reset_code,
            reset_proof, reset_password, user; and operator, of ``phonebind.operations``
outcome     started, not_bound, drawn, asked, sent, waiting, delivered, failed, proved, bound, signed_in, refreshed,
            signed_out, cancelled, or an error's code; of the account life: listed, shown, kept, unbound, ended,
            changed, pending, mine, not_mine, counted, password_set; of an operator's act: sessions_ended,
            identity_unbound, identity_unbound_by_force, limit_lifted, number_released
provider    "qq"; "" if the request concerns no provider
mobile      138****0001; "" if the request has no mobile, or no valid one
user_id     of the person who signed in or out; None otherwise
human       the human check before an SMS: "image", the name of a check, both ("image+altcha"), or the check for people
            who cannot see an image ("altcha+without_image"); "none" if HUMAN_CHECK asks for nothing; "" otherwise
proof       "sms_code" if the account that was bound has no password, and only the SMS code was asked for; without an
            SMS, the proof of the mobile ("carrier:aliyun"); "" otherwise
limit       the name in ``limits.RULES`` of the limit that was used up, "vendor" for the SMS vendor's own limit; ""
            otherwise
cause       why storage is unavailable: the name of the exception, "redis.exceptions.ConnectionError"; "" otherwise
address     the address that the limits count: an IPv4 address, an IPv6 /64, or "unknown"
request_id  X-Request-ID from a trusted proxy, or one of ours; the answer carries it too

The level is INFO, but WARNING for refusals by limits and for outages. A bind that was committed stays ``bound``, even
if a later step fails. Codes, passwords, tokens and whole mobiles are never in a record.
"""

import logging
import re
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from phonebind import limits, masking, mobiles, signals
from phonebind.conf import conf
from phonebind.exceptions import Limited, PhonebindError, StorageUnavailable

logger = logging.getLogger(__name__)

HEADER = "X-Request-ID"
#: Characters that are safe in a log line: they cannot attack a person or a tool that reads the log.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
#: 128 random bits, as nginx and most others write them. One in a hundred contains digits that look like a mobile.
_RANDOM = re.compile(r"(?=.*[a-f])[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)

_ATTRIBUTE = "_phonebind_audit"


@dataclass(slots=True)
class Event:
    """The facts about one request that are known so far."""

    request_id: str
    action: str = ""
    outcome: str = ""
    provider: str = ""
    mobile: str = ""
    user_id: Any = None
    human: str = ""
    proof: str = ""
    limit: str = ""
    cause: str = ""
    level: int = logging.INFO
    #: Whether a bind of this request is in the database. It stays there, even if a later step fails.
    committed: bool = False
    #: Seconds since 1970, before any row is read. If sessions are ended meanwhile, that ends the new one of this
    #: request too.
    began: float = field(default_factory=time.time)


def note(request: HttpRequest, **facts: Any) -> None:
    """Remember facts of :class:`Event`. A later fact replaces an earlier one."""
    event = _event(request)
    for name, value in facts.items():
        setattr(event, name, value)


def refused(request: HttpRequest, error: PhonebindError) -> None:
    """Note this error as the outcome."""
    event = _event(request)
    # A committed bind stays the outcome, even if its answer failed.
    if event.outcome != "bound":
        event.outcome = error.code
    event.limit = error.limit if isinstance(error, Limited) else ""
    # Only the class of the cause: its message may quote a row.
    cause = type(error.__cause__) if isinstance(error, StorageUnavailable) and error.__cause__ else None
    event.cause = f"{cause.__module__}.{cause.__qualname__}" if cause else ""
    event.level = logging.WARNING if error.status in (429, 502, 503) else logging.INFO


def began(request: HttpRequest) -> float:
    """When we first saw this request, in seconds since 1970."""
    return _event(request).began


def request_id(request: HttpRequest) -> str:
    """The id in its record and in its answer."""
    return _event(request).request_id


def is_committed(request: HttpRequest) -> bool:
    """Whether a bind of this request is in the database: then the request succeeded, even if a later step fails."""
    return _event(request).committed


def write(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write the record, if there was an outcome, and add the request's id to the answer."""
    event = _event(request)
    response.headers[HEADER] = event.request_id
    # Django logs each 5xx at ERROR, and any client can cause some of ours. This record replaces those lines. An outage
    # of our storage stays an ERROR.
    if response.status_code >= 500 and event.outcome not in ("", StorageUnavailable.code):
        response._has_been_logged = True  # type: ignore[attr-defined]
    is_logged = logger.isEnabledFor(event.level)
    if event.outcome and (is_logged or signals.audited.receivers):
        record = {
            "action": event.action,
            "outcome": event.outcome,
            # Provider and mobile are checked, since both are as the client sent them.
            "provider": event.provider if event.provider in conf.providers else "",
            "mobile": masking.mobile(event.mobile),
            "user_id": event.user_id,
            "human": event.human,
            "proof": event.proof,
            "limit": event.limit,
            "cause": event.cause,
            "address": limits.client_address(request),
            "request_id": event.request_id,
        }
        if is_logged:
            text = " ".join(f"{name}={value}" for name, value in record.items() if value not in ("", None))
            logger.log(event.level, "%s", text, extra=record)
        if signals.audited.receivers:
            whole = mobiles.clean(event.mobile) if record["mobile"] else ""
            signals.audited.send_robust(sender=None, record=record, mobile=whole, request=request)


def _event(request: HttpRequest) -> Event:
    event = getattr(request, _ATTRIBUTE, None)
    if not isinstance(event, Event):
        # Without our proxy the header is the client's, who could give several people's records the same id.
        given = request.headers.get(HEADER, "") if conf.trusted_proxies else ""
        shown = given if _RANDOM.fullmatch(given) else masking.masked(given)
        event = Event(shown if _REQUEST_ID.match(given) else uuid4().hex)
        setattr(request, _ATTRIBUTE, event)
    return event
