"""Step-up: the person must show again who they are, before they change something that a thief would change.

Two things are a proof for ``STEP_UP_MAX_AGE`` seconds: a sign-in, by its method, and the token of :func:`issue`. A
proof is bound to the user, the session, the browser and the time. It names its method. Each act lists the methods that
it accepts: for example, an SMS to a number that is about to be removed proves nothing. A proof also ends when its basis
changes: an SMS proof when the account gets another mobile, a password proof when the password changes, a provider proof
when the identity is unbound.

Until then it is good for any number of acts, like a sign-in: people tidy up an account in one go. And an attacker who
can steal the proof controls the browser, and could steal the next proof there too.
"""

import time
from collections.abc import Collection, Sequence
from typing import Any

from django.core import signing
from django.db.models import QuerySet

from phonebind import accounts, databases, keyed, oauth
from phonebind.conf import conf
from phonebind.lifecycle import proofs
from phonebind.lifecycle.exceptions import AuthenticationInsufficient
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount

#: All methods, in the order in which people are offered them.
METHODS = ("sms", "password", "provider")
HEADER = "X-Verification"

_SALT = "phonebind.lifecycle.verification.v1"


def issue(person: Person, method: str, account_pk: Any = None) -> str:
    """A proof that ``person`` has just passed step-up by ``method``. ``account_pk``: the identity that was used."""
    witness = _digests(method, account_pk)[0] if account_pk else next(iter(_witnesses(person, method)), "")
    return signing.dumps([str(person.user.pk), person.need_session(), person.device, method, witness], salt=_SALT)


def require(person: Person, verification: str, *methods: str) -> str:
    """The method by which the person has passed step-up lately: one of ``methods``, or any method if none is named.

    ``verification``: the value of ``HEADER``. Its proof comes before that of the sign-in.

    Raises AuthenticationInsufficient, which names those ``methods`` that the person has; TokenInvalid.
    """
    person.need_session()
    methods = methods or METHODS
    for shown in (_read, _by_sign_in):
        method = shown(person, verification)
        if method in methods and not (method == "sms" and is_doubtful(person)):
            return method
    raise insufficient(person, *methods)


def insufficient(person: Person, *methods: str) -> AuthenticationInsufficient:
    """The error for a missing proof. It names those ``methods`` that the person has."""
    names = [name for name in available(person) if name in (methods or METHODS)]
    return AuthenticationInsufficient(conf.step_up_max_age, names)


def available(person: Person) -> Sequence[str]:
    """The methods that this person has."""
    has = {
        "sms": bool(accounts.mobile_of(person.user)) and not is_doubtful(person),
        "password": accounts.has_password(person.user),
        "provider": any(oauth.is_configured(each.provider, each.app_id) for each in _identities(person)),
    }
    return [method for method in METHODS if has[method]]


def _read(person: Person, verification: str) -> str:
    try:
        found: Any = signing.loads(verification, salt=_SALT, max_age=conf.step_up_max_age)
    except signing.BadSignature:
        return ""
    *whose, method, witness = found
    if whose != [str(person.user.pk), person.sid, person.device] or witness not in _witnesses(person, method):
        return ""
    return str(method)


def _by_sign_in(person: Person, verification: str) -> str:
    session = person.session()
    if session is None or time.time() - session.created_at.timestamp() > conf.step_up_max_age:
        return ""
    # A token that was copied to another browser does not count as a sign-in there. Apps without cookies need a proof.
    return session.method if session.device_hash == person.device else ""


def _witnesses(person: Person, method: str) -> Collection[str]:
    """Digests of everything that a proof by ``method`` can rest on now."""
    match method:
        case "sms":
            held: list[Any] = [accounts.mobile_of(person.user)]
        case "password":
            held = [person.user.password]
        case _:
            held = list(_identities(person).values_list("pk", flat=True))
    return [digest for each in held for digest in _digests(method, each)]


def _digests(method: str, witness: Any) -> list[str]:
    return [digest[:32] for digest in keyed.digests(_SALT, f"{method}:{witness}")]


def is_doubtful(person: Person) -> bool:
    """Whether the number is on probation: it may have a new owner."""
    mobile = accounts.mobile_of(person.user)
    return bool(mobile) and proofs.is_doubtful(person.user, mobile)


def _identities(person: Person) -> QuerySet[SocialAccount]:
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    return rows.filter(user=person.user.pk).order_by("pk")
