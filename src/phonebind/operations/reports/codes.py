"""What the rows of events say of SMS: which cost money, who asked for them, and whose codes were used.

Uses are counted by numbers, and not by requests: one right code can be sent to us again and again, so whoever pumps SMS
could hide it with a single number of their own. And a number counts only where it was sent an SMS: others are proved
without one.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import hours

#: Outcomes of such a row that cost money, as the limits count them: of the second nobody knows whether it was sent.
PAID = ("sent", "unknown")
#: The types of rows that say, with the outcome "sent", who asked for an SMS.
ASKED = ("sms_code", "password_reset", "reset_code")
#: Of an SMS that nobody asked for, and that carries no code.
NOTICE = "mobile_change"

#: What a right code ends in, by type and outcomes.
USES = {
    "bind": ("bound", "signed_in"),
    "sms_sign_in": ("signed_in",),
    "sign_up": ("signed_in",),
    "password_reset": ("signed_in",),
    "reset_proof": ("proved",),
    "own_mobile": ("changed", "pending"),
    "verification": ("proved",),
}


def asked(begin: datetime, end: datetime) -> QuerySet[SecurityEvent]:
    """Of SMS that somebody asked for and got: who, and from where."""
    return events(begin, end).filter(type__in=ASKED, outcome="sent").exclude(mobile_hmac="")


def right(begin: datetime, end: datetime) -> QuerySet[SecurityEvent]:
    """Of what a right code leads to, and a proof without an SMS too."""
    found = Q()
    for kind, outcomes in USES.items():
        found |= Q(type=kind, outcome__in=outcomes)
    return events(begin, end).filter(found)


def used(begin: datetime, end: datetime, by: QuerySet[SecurityEvent] | None = None) -> QuerySet[SecurityEvent]:
    """Of what a right code led to, for the numbers of those who asked in this time, or in the hour before; or of those
    who asked in ``by``.
    """
    who = asked(begin - hours.HOUR, end) if by is None else by
    return right(begin, end).filter(mobile_hmac__in=who.values("mobile_hmac"))


def events(begin: datetime, end: datetime) -> QuerySet[SecurityEvent]:
    """All of this time."""
    return SecurityEvent.objects.filter(at__gte=hours.stored(begin), at__lt=hours.stored(end)).order_by()
