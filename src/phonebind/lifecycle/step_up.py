"""That it is still them who sit there: asked for before something is changed that a thief would change.

A sign-in is such a proof for ``STEP_UP_MAX_AGE`` seconds, by the method it used; so is what :func:`issue` gives. It is
bound to the user, the session, the browser and the moment, and says by which method it was made: each act names those
that it takes, since an SMS to the number that is being taken away proves nothing. It also ends with what it was made
of: a proof by SMS when the account has another mobile, one by password when that was changed, one by an identity when
that was unbound.

Within its life it serves for as many acts as the person does, as a sign-in does: people tidy up an account in one go,
and whoever could steal the proof has their browser, where the next proof can be stolen too.
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

#: All of them, in the order in which people are offered them.
METHODS = ("sms", "password", "provider")
HEADER = "X-Verification"

_SALT = "phonebind.lifecycle.verification.v1"


def issue(person: Person, method: str, account_pk: Any = None) -> str:
    """A proof that ``person`` has just shown, by ``method``, that it is them; ``account_pk``: by which identity."""
    witness = _digests(method, account_pk)[0] if account_pk else next(iter(_witnesses(person, method)), "")
    return signing.dumps([str(person.user.pk), person.need_session(), person.device, method, witness], salt=_SALT)


def require(person: Person, verification: str, *methods: str) -> str:
    """The method by which ``person`` has shown it lately: one of these. ``verification``: the value of ``HEADER``.

    Raises AuthenticationInsufficient, which names those of the methods that this person has; TokenInvalid.
    """
    person.need_session()
    methods = methods or METHODS
    for shown in (_read, _by_sign_in):
        method = shown(person, verification)
        if method in methods and not (method == "sms" and is_doubtful(person)):
            return method
    raise insufficient(person, *methods)


def insufficient(person: Person, *methods: str) -> AuthenticationInsufficient:
    """To raise where something else is needed: one of these, as far as the person has them."""
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
    # A token that was carried off to another browser is no sign-in there. Apps that keep no cookies show it anew.
    return session.method if session.device_hash == person.device else ""


def _witnesses(person: Person, method: str) -> Collection[str]:
    """Of what a proof by ``method`` can be made now."""
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
    """Whether their number may have a new owner: it is on probation."""
    mobile = accounts.mobile_of(person.user)
    return bool(mobile) and proofs.is_doubtful(person.user, mobile)


def _identities(person: Person) -> QuerySet[SocialAccount]:
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    return rows.filter(user=person.user.pk).order_by("pk")
