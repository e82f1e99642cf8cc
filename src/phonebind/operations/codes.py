"""What the rows of events say of SMS: which cost money, and which of their codes were used."""

from django.db.models import Q

#: The type of the rows of SMS: one for each gateway that was tried.
ATTEMPT = "sms_attempt"
#: Outcomes of such a row that cost money, as the limits count them: of the second nobody knows whether it was sent.
PAID = ("sent", "unknown")
#: The types of rows that say, with the outcome "sent", who asked for an SMS.
ASKED = ("sms_code", "password_reset", "reset_code")
#: Of an SMS that carries no code, and is no answer to whoever asked for one.
NOTICE = "mobile_change"

#: What a right code ends in: type and outcomes, and what the code was for.
USES = (
    ("bind", ("bound", "signed_in"), "bind"),
    ("sms_sign_in", ("signed_in",), "sign_in"),
    ("sign_up", ("signed_in",), "sign_in"),
    ("password_reset", ("signed_in",), "reset_password"),
    ("reset_proof", ("proved",), "reset_password"),
    ("own_mobile", ("changed", "pending"), "change_mobile"),
    ("verification", ("proved",), "verify"),
)
#: The types among them.
USING = tuple(kind for kind, _, _ in USES)
#: Whom a proof without an SMS let in: the word that the audit trail has for the proof is kept with the row.
_BY_SMS = Q(data__proof__isnull=True) | Q(data__proof__in=["", "sms_code"])

_PURPOSES = {(kind, outcome): purpose for kind, outcomes, purpose in USES for outcome in outcomes}


def asked() -> Q:
    """Rows of who asked for an SMS that was sent."""
    return Q(type__in=ASKED, outcome="sent")


def used() -> Q:
    """Rows of a right code."""
    found = Q()
    for kind, outcomes, _ in USES:
        found |= Q(type=kind, outcome__in=outcomes)
    return found & _BY_SMS


def purpose_of(kind: str, outcome: str) -> str:
    """What the code of such a row was for."""
    return _PURPOSES[kind, outcome]
