"""What event rows say about SMS: which ones cost money, who asked for them, and whose codes were used.

Uses are counted by mobile number and not by request. A correct code can be sent to us again and again, so an attacker
who pumps SMS could hide it with one own number. A number counts only if it was sent an SMS, because a number can also
be proved without one.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from phonebind.operations.models import SecurityEvent
from phonebind.operations.reports import hours

#: Outcomes of an SMS attempt that cost money, as the limits count them. With "unknown" it is not known whether the SMS
#: was sent.
PAID = ("sent", "unknown")
#: Types of rows that, with the outcome "sent", say who asked for an SMS.
ASKED = ("sms_code", "password_reset", "reset_code")
#: The purpose of an SMS that no person asked for, and that contains no code.
NOTICE = "mobile_change"

#: The outcomes of a correct code, by type of row.
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
    """Events of people who asked for an SMS and were sent one. They say who, and from which address."""
    return events(begin, end).filter(type__in=ASKED, outcome="sent").exclude(mobile_hmac="")


def right(begin: datetime, end: datetime) -> QuerySet[SecurityEvent]:
    """Events that a correct code leads to. A mobile proof without an SMS leads to the same events."""
    found = Q()
    for kind, outcomes in USES.items():
        found |= Q(type=kind, outcome__in=outcomes)
    return events(begin, end).filter(found)


def used(begin: datetime, end: datetime, by: QuerySet[SecurityEvent] | None = None) -> QuerySet[SecurityEvent]:
    """Events of used codes, for the numbers that asked for an SMS in this time or in the hour before.

    With ``by``: for the numbers in those events instead.
    """
    who = asked(begin - hours.HOUR, end) if by is None else by
    return right(begin, end).filter(mobile_hmac__in=who.values("mobile_hmac"))


def events(begin: datetime, end: datetime) -> QuerySet[SecurityEvent]:
    """All events from ``begin`` to ``end``."""
    return SecurityEvent.objects.filter(at__gte=hours.stored(begin), at__lt=hours.stored(end)).order_by()
