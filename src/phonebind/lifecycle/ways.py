"""Sign-in without a provider: sign in by SMS, and register.

A code is claimed as the last act of its transaction, and settled after the commit.
"""

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from phonebind import accounts, binding, databases, limits, mobiles, sms_codes
from phonebind.conf import conf
from phonebind.exceptions import Invalid, SmsCodeInvalid
from phonebind.lifecycle import attempts, flows, ownership, people, proofs
from phonebind.lifecycle.exceptions import AccountUnknown, AuthenticationInsufficient, ConsentMissing, MobileTaken
from phonebind.lifecycle.models import MobileProof
from phonebind.sms_codes import ByCode
from phonebind.verified import settle

TAKEN = _("A user with that username already exists.")
OTHERS_MOBILE = _("This is somebody's mobile number. Choose another name.")


def enter(
    request: HttpRequest, mobile: str, code: str, holder: str, *, agreed: bool = True
) -> tuple[AbstractBaseUser, bool]:
    """The user with this mobile, and whether this call made the account. ``holder``: who the code was sent for.
    ``agreed``: whether a new customer has agreed to the site's terms.

    Raises SmsCodeInvalid, TooManyAttempts, StorageUnavailable. Only after the mobile was proved: AccountUnknown or
    MobileTaken (the site does not let people register, or sign in, by SMS), AccountDisabled, AuthenticationInsufficient
    (an operator cannot sign in by SMS alone), OwnerUnclear, ConsentMissing.
    """
    address = limits.client_address(request)
    proved = sms_codes.check(mobile, code, claimant=holder, address=address, purpose=flows.PURPOSE)
    user, created = attempts.at_last(lambda: _enter(request, proved, agreed))
    _finish(request, user, proved)
    return user, created


def _enter(request: HttpRequest, proved: ByCode, agreed: bool) -> tuple[AbstractBaseUser, bool]:
    user = accounts.find(proved.number)
    if user is None:
        if not (conf.sms_sign_up and conf.bind_without_password):
            # An account without a password could not be used again here. A system check reports these two settings.
            raise AccountUnknown(status=400)
        if not agreed:
            raise ConsentMissing
        user = accounts.new(request, None, proved.number, None)
        _commit(user, proved)
        return user, True
    if not conf.sms_sign_in:
        raise MobileTaken(status=400)
    refuse_operators(user)
    accounts.check_enabled(user)
    _commit(user, proved, doubtful=ownership.decide(request, user, proved.number))
    return user, False


def sign_up(request: HttpRequest, proved: ByCode, username: str, password: str) -> AbstractBaseUser:
    """Make a new account. An account that exists is never signed in.

    Raises Invalid (the username, the password), MobileTaken, SmsCodeInvalid, TooManyAttempts, StorageUnavailable.
    """
    # Only a person who has proved a mobile learns which names are taken, and only a limited number of times.
    limits.take(("sign_up_mobile_hour", proved.number))
    user = attempts.at_last(lambda: _sign_up(request, proved, username, password))
    _finish(request, user, proved)
    return user


def _sign_up(request: HttpRequest, proved: ByCode, username: str, password: str) -> AbstractBaseUser:
    if accounts.find(proved.number) is not None:
        raise MobileTaken(status=400)
    _check_username(username, proved.number)
    user = accounts.new(request, None, proved.number, password, username)
    try:
        _commit(user, proved)
    except databases.MAY_REFUSE_TEXT as error:
        if not databases.refuses_text(error):
            raise
        raise Invalid({"username": [_("This name has characters that cannot be kept.")]}) from None
    return user


def refuse_operators(user: AbstractBaseUser) -> None:
    """Staff and superusers cannot sign in by SMS alone. Raises AuthenticationInsufficient."""
    if accounts.is_operator(user):
        raise AuthenticationInsufficient(conf.step_up_max_age, ["password"])


def _commit(user: AbstractBaseUser, proved: ByCode, *, doubtful: bool = False) -> None:
    with transaction.atomic(using=databases.primary(MobileProof), durable=True):
        if user._state.adding:
            user.save(force_insert=True)
        else:
            people.hold(user, proved.number)
        proofs.record(user, proved.number, proved.proved_by, doubtful=doubtful)
        if not proved.claim():
            raise SmsCodeInvalid


def _finish(request: HttpRequest, user: AbstractBaseUser, proved: ByCode) -> None:
    settle(proved)
    binding.sign_in(request, user)


def _check_username(username: str, mobile: str) -> None:
    """Raises Invalid, also for the mobile of another person: its owner would sign in with it."""
    field = get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD)
    try:
        field.run_validators(username)  # type: ignore[union-attr]
    except ValidationError as error:
        raise Invalid({"username": error.messages}) from None
    if mobiles.is_mobile(mobiles.clean(username)) and username != mobile:
        raise Invalid({"username": [OTHERS_MOBILE]})
    if accounts.is_username_taken(username):
        raise Invalid({"username": [TAKEN]})
