"""The bind to an existing account: what proof it takes (``KNOWN_MOBILE``), and what happens to an identity of the same
provider that the account already has.

With ``SECOND_IDENTITY`` "both" the new identity is added if the person has shown the password. If only the mobile was
proved, in whichever way, the person is asked as with "ask": a person who only got hold of a number must not get a way
to sign in without an explicit choice.
"""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from phonebind import accounts, audit, binding, databases, limits
from phonebind.conf import conf
from phonebind.life import Joining
from phonebind.lifecycle import ownership, people
from phonebind.lifecycle.exceptions import AuthenticationInsufficient, IdentityExists
from phonebind.lifecycle.ownership import Door
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from phonebind.verified import VerifiedMobile


def check(
    request: HttpRequest,
    user: AbstractBaseUser,
    identity: Identity,
    mobile: VerifiedMobile,
    password: str | None,
    choice: str,
) -> Joining:
    """See ``phonebind.life.Life.known_owner``."""
    if conf.known_mobile == "password":
        binding.hold_to_password(request, user, mobile, password)
        shown, doubtful = accounts.has_password(user), False
    else:
        shown, doubtful = _by_number(request, user, identity, mobile, password, choice)
    return Joining(doubtful, _replaced(user, identity, choice, shown=shown))


def hold_to_one(user: AbstractBaseUser, identity: Identity) -> None:
    """See ``phonebind.life.Life.attaching``. A signed-in person who adds an identity is not asked. But a site that
    refuses a second identity refuses it to everybody. The lock makes sure that of two requests at once only one adds
    the first.
    """
    if conf.second_identity == "refuse":
        people.held(user.pk)
        if _others(user, identity).exists():
            raise IdentityExists([])


def _by_number(
    request: HttpRequest,
    user: AbstractBaseUser,
    identity: Identity,
    mobile: VerifiedMobile,
    password: str | None,
    choice: str,
) -> tuple[bool, bool]:
    """Two values: whether the person has shown something of the account besides the number, and whether the number may
    have a new owner.
    """
    shown = ownership.answered("bind", identity.key, mobile.number, user.pk) == ownership.SHOWN
    # With "sms" a password is normally the one for a new account. It is checked here only if a replacement needs it.
    is_meant = conf.known_mobile == "either" or choice == "replace"
    if not shown and is_meant and password is not None and accounts.has_password(user):
        accounts.check_password(user, password, limits.client_address(request))
        shown = True
    accounts.check_enabled(user)
    door = Door("bind", identity.key, mobile.strength, mobile.source)
    doubtful = ownership.decide(request, user, mobile.number, second_way=shown, door=door)
    if not shown:
        audit.note(request, proof="sms_code" if mobile.strength == "sms" else mobile.proved_by)
    return shown, doubtful


def _replaced(user: AbstractBaseUser, identity: Identity, choice: str, *, shown: bool) -> list[Any]:
    """The keys of the rows to replace. Raises IdentityExists, AuthenticationInsufficient."""
    found = list(_others(user, identity).values_list("pk", flat=True))
    if not found:
        return []
    if conf.second_identity == "refuse":
        raise IdentityExists(["other_number"], ownership.hint_of(user))
    is_asked = conf.second_identity == "ask" or not shown
    if choice == "add" or not (is_asked or choice == "replace"):
        return []
    # With the mobile alone, a thief could replace the owner's identity by their own. The only other proof that a bind
    # request can carry is a password.
    can_replace = shown or accounts.has_password(user)
    if choice != "replace" or not can_replace:
        raise IdentityExists(["add", *(["replace"] if can_replace else []), "other_number"], ownership.hint_of(user))
    if not shown:
        raise AuthenticationInsufficient(conf.step_up_max_age, ["password"])
    return found


def _others(user: AbstractBaseUser, identity: Identity) -> QuerySet[SocialAccount]:
    """The account's other identities at the same provider. The same person in another of our apps is not another
    identity.
    """
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    found = rows.filter(user=user.pk, provider=identity.provider)
    return found if identity.unionid is None else found.filter(Q(unionid=None) | ~Q(unionid=identity.unionid))
