"""That it is still them who sit there: asked for before something is changed that a thief would change.

A sign-in is such a proof for ``STEP_UP_MAX_AGE`` seconds, by the method it used; so is what :func:`prove` gives. A
proof is bound to the user, the session and the moment, and says by which method it was made: each act names those that
it takes, since an SMS to the number that is being taken away proves nothing.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.core import signing
from django.db.models import QuerySet

from phonebind import accounts, databases, oauth
from phonebind.conf import conf
from phonebind.lifecycle import proofs
from phonebind.lifecycle.exceptions import AuthenticationInsufficient
from phonebind.lifecycle.people import Person
from phonebind.models import SocialAccount

#: All of them, in the order in which people are offered them.
METHODS = ("sms", "password", "provider")
HEADER = "X-Verification"

_SALT = "phonebind.lifecycle.verification.v1"


def issue(person: Person, method: str) -> str:
    """A proof that ``person`` has just shown, by ``method``, that it is them."""
    return signing.dumps([str(person.user.pk), person.sid, method], salt=_SALT)


def require(person: Person, verification: str, *methods: str) -> str:
    """The method by which ``person`` has shown it lately: one of these. ``verification``: the value of ``HEADER``.

    Raises AuthenticationInsufficient, which names those of the methods that this person has.
    """
    methods = methods or METHODS
    for method in (_read(person, verification), _by_sign_in(person)):
        if method in methods and not (method == "sms" and _is_doubtful(person)):
            return method
    raise AuthenticationInsufficient(conf.step_up_max_age, [name for name in available(person) if name in methods])


def available(person: Person) -> Sequence[str]:
    """The methods that this person has."""
    has = {
        "sms": bool(accounts.mobile_of(person.user)) and not _is_doubtful(person),
        "password": accounts.has_password(person.user),
        "provider": any(oauth.is_configured(each.provider, each.app_id) for each in _identities(person)),
    }
    return [method for method in METHODS if has[method]]


def _read(person: Person, verification: str) -> str:
    try:
        found: Any = signing.loads(verification, salt=_SALT, max_age=conf.step_up_max_age)
    except signing.BadSignature:
        return ""
    user_pk, sid, method = found
    return method if (user_pk, sid) == (str(person.user.pk), person.sid) else ""


def _by_sign_in(person: Person) -> str:
    session = person.session()
    if session is None or time.time() - session.created_at.timestamp() > conf.step_up_max_age:
        return ""
    return session.method


def _is_doubtful(person: Person) -> bool:
    mobile = accounts.mobile_of(person.user)
    return bool(mobile) and proofs.is_doubtful(person.user, mobile)


def _identities(person: Person) -> QuerySet[SocialAccount]:
    return SocialAccount.objects.using(databases.primary(SocialAccount)).filter(user=person.user.pk)
