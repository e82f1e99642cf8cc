"""The audit trail: one structured record for each outcome, on the logger ``phonebind.audit``.

An edge notes what is being done, the domain what came of it, and the edge writes it down when the answer is ready.
Each record has, as attributes and in its text:

action      ways, authorize, callback, native, image_code, human_check, sms_code, sms_receipt, vendor_receipts,
            mobile_proof, bind, password, refresh, sign_out, login, done; of the account life: account, own_password,
            own_mobile, verification, identities, identity, sessions, session, revoke, sms_sign_in, sign_up,
            password_reset, ownership; for the pages of the course account_count, reset_account, reset_code,
            reset_proof, reset_password, user
outcome     started, not_bound, drawn, asked, sent, waiting, delivered, failed, proved, bound, signed_in, refreshed,
            signed_out, cancelled, or an error's code; of the account life: listed, shown, kept, unbound, ended,
            changed, pending, mine, not_mine, counted, password_set
provider    "qq"; "" where none is concerned
mobile      138****0001; "" where none was given, or none that is one
user_id     of who signed in or out; None otherwise
human       what showed that a person asks for an SMS: "image", the name of a check, both ("image+altcha"), or the
            proof that there is for who cannot see ("altcha+without_image"); "none" where HUMAN_CHECK asks for nothing;
            "" otherwise
proof       "sms_code" where the account that was bound has no password, and nothing else was asked for; where no SMS
            did, what has proved the mobile ("carrier:aliyun"); "" otherwise
limit       which of ``limits.RULES`` was used up, "vendor" for a limit of the SMS vendor's own; "" otherwise
cause       why storage is unavailable: the name of the exception, "redis.exceptions.ConnectionError"; "" otherwise
address     whom the limits count: an IPv4 address, an IPv6 /64, or "unknown"
request_id  X-Request-ID as a trusted proxy sets it, or one of ours; the answer carries it too

INFO, but WARNING for what limits and outages refused; a bind that was committed stays ``bound`` whatever came after.
Codes, passwords, tokens and whole mobiles are never in it.
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
#: What may stand in a log line, and is no attack on who reads it.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
#: 128 random bits, as nginx and most others write them. One in a hundred has what would be a mobile anywhere else.
_RANDOM = re.compile(r"(?=.*[a-f])[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)

_ATTRIBUTE = "_phonebind_audit"


@dataclass(slots=True)
class Event:
    """What is known so far about one request."""

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
    #: A bind is in the database, whatever comes after it.
    committed: bool = False
    #: Seconds since 1970. Before any row was read: what ends meanwhile ends what this request begins too.
    began: float = field(default_factory=time.time)


def note(request: HttpRequest, **facts: Any) -> None:
    """Remember facts of :class:`Event`; a later one replaces an earlier."""
    event = _event(request)
    for name, value in facts.items():
        setattr(event, name, value)


def refused(request: HttpRequest, error: PhonebindError) -> None:
    """The outcome is this error."""
    event = _event(request)
    # What was committed stays so, whatever became of its answer.
    if event.outcome != "bound":
        event.outcome = error.code
    event.limit = error.limit if isinstance(error, Limited) else ""
    # Not what it says, which may quote a row.
    cause = type(error.__cause__) if isinstance(error, StorageUnavailable) and error.__cause__ else None
    event.cause = f"{cause.__module__}.{cause.__qualname__}" if cause else ""
    event.level = logging.WARNING if error.status in (429, 502, 503) else logging.INFO


def began(request: HttpRequest) -> float:
    """When we first heard of this request, in seconds since 1970."""
    return _event(request).began


def is_committed(request: HttpRequest) -> bool:
    """Whether a bind of this request is in the database: then it is no failure, whatever fails after it."""
    return _event(request).committed


def write(request: HttpRequest, response: HttpResponseBase) -> None:
    """The record, where there was an outcome; and the answer learns the request's id."""
    event = _event(request)
    response.headers[HEADER] = event.request_id
    # Django logs each 5xx at ERROR, and anybody can bring some of ours about. This is their record; an outage of ours
    # is an ERROR all the same.
    if response.status_code >= 500 and event.outcome not in ("", StorageUnavailable.code):
        response._has_been_logged = True  # type: ignore[attr-defined]
    is_logged = logger.isEnabledFor(event.level)
    if event.outcome and (is_logged or signals.audited.receivers):
        record = {
            "action": event.action,
            "outcome": event.outcome,
            # Both as the client sent them.
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
        # Without a proxy of ours it is the client's, who may have several people's records look like one.
        given = request.headers.get(HEADER, "") if conf.trusted_proxies else ""
        shown = given if _RANDOM.fullmatch(given) else masking.masked(given)
        event = Event(shown if _REQUEST_ID.match(given) else uuid4().hex)
        setattr(request, _ATTRIBUTE, event)
    return event
