"""The bind to an account that exists, where ``KNOWN_MOBILE`` or ``SECOND_IDENTITY`` is set: what that takes, and what
becomes of the identity that the account has already.
"""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import HttpRequest

from phonebind import accounts, audit, binding, databases, limits
from phonebind.conf import conf
from phonebind.life import Joining
from phonebind.lifecycle import ownership
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
    """As ``phonebind.life.Life.known_owner`` says."""
    if conf.known_mobile == "password":
        binding.hold_to_password(request, user, mobile, password)
        shown, doubtful = accounts.has_password(user), False
    else:
        shown, doubtful = _by_number(request, user, identity, mobile, password, choice)
    return Joining(doubtful, _replaced(user, identity, choice, shown=shown))


def _by_number(
    request: HttpRequest,
    user: AbstractBaseUser,
    identity: Identity,
    mobile: VerifiedMobile,
    password: str | None,
    choice: str,
) -> tuple[bool, bool]:
    """Whether something else of the account was shown; and whether the number may have a new owner."""
    shown = ownership.answered("bind", identity.key, mobile.number, user.pk) == ownership.SHOWN
    # With "sms" a password is the one that a new account would have had; or what a replacement takes.
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
    """The rows that go. Raises IdentityExists, AuthenticationInsufficient."""
    others = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(
        user=user.pk, provider=identity.provider
    )
    if identity.unionid is not None:
        # The same person in another of our apps is no other identity.
        others = others.filter(Q(unionid=None) | ~Q(unionid=identity.unionid))
    found = list(others.values_list("pk", flat=True))
    if not found or (conf.second_identity == "both" and shown):
        return []
    if conf.second_identity == "refuse":
        raise IdentityExists(["other_number"], ownership.hint_of(user))
    if choice == "add":
        return []
    if choice != "replace":
        raise IdentityExists(["add", "replace", "other_number"], ownership.hint_of(user))
    if not shown:
        # A thief's identity would push the owner's out.
        raise AuthenticationInsufficient(conf.step_up_max_age, _ways(user))
    return found


def _ways(user: AbstractBaseUser) -> list[str]:
    return ["password"] if accounts.has_password(user) else ["provider"]
