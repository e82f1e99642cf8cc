"""Binding: who signed in at a provider, and which account here belongs to that person.

    identity, account = identify(provider, lambda: provider.exchange(code))     # known: sign_in(account)
    mobile = sms_codes.check(number, sms_code, claimant=identity.key)
    account = bind(identity, mobile, password)                   # one transaction; its last step claims the proof

An account is found by the verified mobile number alone, never by anything in the provider's profile. A person who is
signed in already needs no mobile number: attach(identity, user).
"""

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connections, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from phonebind import accounts, audit, databases, life, limits, signals, slots
from phonebind.conf import conf
from phonebind.exceptions import (
    AccountDisabled,
    AlreadyBound,
    Invalid,
    MobileProofTooWeak,
    ProviderUnavailable,
    SnapshotUser,
    StorageUnavailable,
)
from phonebind.life import Joining
from phonebind.models import UNPROVED, SocialAccount, release_connection
from phonebind.oauth import Grant, Identity, Provider
from phonebind.verified import VerifiedMobile, settle

#: How often a bind starts again after a concurrent one created, or locked, a row that it needs.
ATTEMPTS = 3

#: The nickname and the avatar travel in the binding token, and a cookie holds the token.
NICKNAME_LENGTH = 32
AVATAR_LENGTH = 256
#: A host without a port, and no character that a Content-Security-Policy or an HTML attribute would have to quote.
_AVATAR = re.compile(r"https://[0-9A-Za-z.-]+/[0-9A-Za-z._~/?=&%+:@!*-]*\Z")

logger = logging.getLogger(__name__)


def identify(
    provider: Provider, trade: Callable[[], Grant], *, adopt: bool = True
) -> tuple[Identity, SocialAccount | None]:
    """Ask the provider who the person is. Returns the identity, and its binding or None.

    ``trade`` makes the grant: it asks the provider. A known openid takes one call to the provider; only a new person
    takes more. The binding is found by openid first, then by unionid within the family.

    ``adopt`` is False where a person is signed in already. Then a person who is known only by the unionid of another
    app is returned as new, and nothing is written for an account that may not be theirs. ``owners`` says whose it is.

    Raises CodeInvalid, ProviderUnavailable, SnapshotUser, and AccountDisabled (for an account of another app).
    """
    with slots.PROVIDER.take(conf.provider_slots):
        return _identify(provider, trade(), adopt)


def _identify(provider: Provider, grant: Grant, adopt: bool) -> tuple[Identity, SocialAccount | None]:
    if grant.virtual:
        raise SnapshotUser
    identity = Identity(provider.family, provider.app_id, grant.openid, grant.unionid)
    account = find(identity)
    if account is not None:
        if _knows_unionid(account, provider, grant) or _learn_unionid(account, provider, grant):
            return identity, account
        account = None
    release_connection()
    if provider.asks_unionid and identity.unionid is None:
        identity = replace(identity, unionid=provider.unionid(grant))
    if provider.asks_profile_first:
        identity = _greeted(identity, provider, grant)
    if adopt and identity.unionid is not None:
        account = _adopt(identity)
        release_connection()
    if account is None and not provider.asks_profile_first:
        identity = _greeted(identity, provider, grant)
    return identity, account


def _knows_unionid(account: SocialAccount, provider: Provider, grant: Grant) -> bool:
    """Whether no unionid has to be learned. A unionid changes when an app moves to another developer."""
    return account.unionid == grant.unionid if grant.unionid else bool(account.unionid) or not provider.asks_unionid


def find(identity: Identity) -> SocialAccount | None:
    """The binding of this identity, with its user."""
    return SocialAccount.objects.find(provider=identity.provider, app_id=identity.app_id, openid=identity.openid)


def owners(identity: Identity) -> list[Any]:
    """The accounts (primary keys) that know this person through another of our apps.

    Where a transaction is open, the rows of their bindings are locked until it ends.
    """
    if identity.unionid is None:
        return []
    rows = SocialAccount.objects.using(databases.primary(SocialAccount))
    siblings = rows.filter(provider=identity.provider, unionid=identity.unionid).order_by("pk")
    if connections[siblings.db].in_atomic_block:
        siblings = siblings.select_for_update()
    return list(siblings.values_list("user_id", flat=True))


def sign_in(request: HttpRequest, user: AbstractBaseUser, social_account: SocialAccount | None = None) -> None:
    """The last step of every sign-in: checks that the account is enabled, and sends ``signed_in``.

    It sets no cookie and makes no token. ``social_account`` is None after a sign-in without a provider.

    Raises AccountDisabled.
    """
    accounts.check_enabled(user)
    audit.note(request, outcome="signed_in", user_id=user.pk)
    signals.signed_in.send_robust(SocialAccount, user=user, social_account=social_account, request=request)


def respond(
    request: HttpRequest,
    response: HttpResponseBase,
    user: AbstractBaseUser,
    social_account: SocialAccount | None = None,
) -> None:
    """``response`` answers a person who signed in: receivers may set and delete cookies on it."""
    signals.sign_in_response.send_robust(
        SocialAccount, user=user, social_account=social_account, request=request, response=response
    )


def bind(
    request: HttpRequest, identity: Identity, mobile: VerifiedMobile, password: str | None, choice: str = ""
) -> SocialAccount:
    """Bind ``identity`` to the account that has ``mobile``, and sign it in. Creates the account if there is none.

    The same request again gives the same answer. Database constraints decide races: the loser starts again and finds
    what the winner made.

    ``password`` of a new account is set; that of a known account is checked. With None, a new account gets no password
    if something else than our SMS code proved the mobile. An account that has a password is not bound with None.

    ``choice`` is the ``second_identity`` of the request, for ``phonebind.lifecycle``.

    Raises Invalid (a new password is too weak or missing), MobileProofTooWeak, PasswordWrong, TooManyAttempts,
    AccountDisabled, AlreadyBound, ``mobile.invalid`` (another bind used the proof), ServerBusy, StorageUnavailable (it
    lost every race), and with ``phonebind.lifecycle`` what ``Life.known_owner`` raises. After an error nothing is
    changed, and the proof of the mobile is still valid.
    """
    account, created = _at_last(identity, lambda identity: _bind(request, identity, mobile, password, choice))
    if mobile.strength != "sms":
        audit.note(request, proof=mobile.proved_by)
    audit.note(request, committed=True)
    settle(mobile)
    if created:
        signals.account_bound.send_robust(SocialAccount, user=account.user, social_account=account, request=request)
    sign_in(request, account.user, account)
    if created:
        audit.note(request, outcome="bound")
    return account


def asks(identity: Identity, mobile: VerifiedMobile) -> str:
    """Which password the bind of this identity needs, as far as this can be known now.

    "new": for an account that the bind makes. "known": the password of the account that has the mobile. "": none.
    """
    if find(identity) is not None:
        return ""
    user = accounts.find(mobile.number)
    if user is None:
        return "new" if mobile.proved_by == "sms" else ""
    # With any other value of KNOWN_MOBILE, `Life.known_owner` decides.
    return "known" if conf.known_mobile == "password" and accounts.needs_password(user) else ""


def attach(request: HttpRequest, identity: Identity, user: AbstractBaseUser) -> SocialAccount:
    """Bind ``identity`` to the account of a person who is signed in and asked for it. No mobile is proved again.

    The same request again gives the same answer.

    Raises AccountDisabled, AlreadyBound (the identity has another account, here or in another of our apps),
    StorageUnavailable, and with ``phonebind.lifecycle`` what ``Life.attaching`` raises.
    """
    owner = databases.people().filter(pk=user.pk).first()
    if owner is None:
        raise AccountDisabled
    accounts.check_enabled(owner)
    account, created = _at_last(identity, lambda identity: _attach(identity, owner))
    if account.user_id != user.pk:
        raise AlreadyBound
    audit.note(request, committed=True)
    if created:
        signals.account_bound.send_robust(SocialAccount, user=owner, social_account=account, request=request)
        if life.installed:
            signals.identity_bound.send_robust(SocialAccount, user=owner, provider=identity.provider, request=request)
        if identity.unionid is not None:
            _tell_of_others(identity.provider, identity.unionid)
    audit.note(request, outcome="bound" if created else "signed_in", user_id=owner.pk)
    return account


def unbind(account: SocialAccount) -> None:
    """Delete a binding, in all apps of the provider. The identity then has no account. The user stays; all their tokens
    end.

    Deleting the row in another way (admin, cascade, shell) has the same effect.
    """
    account.delete()


def _at_last(identity: Identity, bind: Callable[[Identity], tuple[SocialAccount, bool]]) -> tuple[SocialAccount, bool]:
    attempts = 0
    while attempts < ATTEMPTS:
        try:
            return bind(identity)
        except (IntegrityError, OperationalError, ValidationError, *databases.MAY_REFUSE_TEXT) as error:
            if databases.is_lost(error):
                raise StorageUnavailable from error
            failure = error
        if not databases.refuses_text(failure):
            attempts += 1
        elif identity.nickname:
            identity = replace(identity, nickname=_plainer(identity.nickname))
        else:
            raise failure
    if isinstance(failure, (IntegrityError, ValidationError)):
        # Perhaps this is no race: a field of the host's user model that must not be empty gives the same error. A model
        # that validates itself in save() reports a lost race as a ValidationError.
        logger.error("A bind was refused %s times by a constraint", ATTEMPTS, exc_info=failure)
    raise StorageUnavailable from failure


def _plainer(nickname: str) -> str:
    """The nickname without the characters that utf8mb3 cannot store; "" if it has no such character."""
    plain = "".join(letter for letter in nickname if letter <= "\uffff")
    return plain if plain != nickname else ""


def _bind(
    request: HttpRequest, identity: Identity, mobile: VerifiedMobile, password: str | None, choice: str
) -> tuple[SocialAccount, bool]:
    account = find(identity)
    if account is not None:
        owner = accounts.find(mobile.number)
        if owner is None or owner.pk != account.user_id:
            raise AlreadyBound
        # The binding token alone would sign them in now. So no password is asked for, and nothing is made.
        mobile.claim()
        return account, False
    user, joining = _owner(request, identity, mobile, password, choice)
    with transaction.atomic(using=databases.primary(SocialAccount), durable=True):
        if user._state.adding:
            user.save(force_insert=True)
        elif life.installed:
            life.installed.hold(user, mobile.number)
        for replaced in SocialAccount.objects.using(databases.primary(SocialAccount)).filter(pk__in=joining.replaced):
            unbind(replaced)
        account = _create(identity, user, "proved", mobile.proved_by)
        if life.installed:
            life.installed.mobile_proved(user, mobile.number, mobile.proved_by, doubtful=joining.doubtful)
        if not mobile.claim():
            # A repeated request may find what it made before, but must not make it again.
            raise mobile.invalid
    return account, True


def _owner(
    request: HttpRequest, identity: Identity, mobile: VerifiedMobile, password: str | None, choice: str
) -> tuple[AbstractBaseUser, Joining]:
    """The owner of the mobile: an existing account whose password was checked, or a new one that is not saved yet.

    The password is hashed before the transaction: 20 ms is too long to hold a lock.
    """
    user = accounts.find(mobile.number)
    if mobile.strength not in (conf.new_account_proofs if user is None else conf.join_proofs):
        # Before the password is checked: a weak proof must not allow guesses at the password.
        raise MobileProofTooWeak
    if user is None:
        if password is None and mobile.proved_by == "sms":
            raise Invalid({"password": [accounts.REQUIRED]})
        return accounts.new(request, identity, mobile.number, password), Joining()
    if life.installed:
        return user, life.installed.known_owner(request, user, identity, mobile, password, choice)
    hold_to_password(request, user, mobile, password)
    return user, Joining()


def hold_to_password(
    request: HttpRequest, user: AbstractBaseUser, mobile: VerifiedMobile, password: str | None
) -> None:
    """A person who has proved the user's mobile must also give the password, if the account has one."""
    if accounts.needs_password(user):
        accounts.check_password(user, password, limits.client_address(request))
    else:
        accounts.check_enabled(user)
        audit.note(request, proof="sms_code" if mobile.strength == "sms" else mobile.proved_by)


def _attach(identity: Identity, user: AbstractBaseUser) -> tuple[SocialAccount, bool]:
    account = find(identity)
    if account is not None:
        return account, False
    with transaction.atomic(using=databases.primary(SocialAccount), durable=True):
        # One person may attach two openids to two of their accounts at the same time. Then there is no row to lock yet,
        # and no constraint can say that a unionid has one user. Both rows are made, as by two binds to two mobiles.
        # This is safe: the person is signed in to both accounts, each openid signs in to its account, a third openid
        # adopts neither, and the host gets `same_person_found`.
        known = owners(identity)
        if known and user.pk not in known:
            raise AlreadyBound
        if life.installed:
            life.installed.attaching(user, identity)
        return _create(identity, user, "signed_in", UNPROVED), True


def _create(identity: Identity, user: AbstractBaseUser, reason: str, proved_by: str = "") -> SocialAccount:
    """Runs in a transaction. ``reason``: "proved" (the mobile), "signed_in", or "known" (by another of our apps)."""
    account = SocialAccount.objects.create(
        user=user,  # type: ignore[misc]  # whichever model AUTH_USER_MODEL is
        provider=identity.provider,
        app_id=identity.app_id,
        openid=identity.openid,
        unionid=identity.unionid,
        nickname=identity.nickname,
        proved_by=proved_by,
    )
    facts = {"user_id": user.pk, "provider": account.provider, "identity": account.pk, "reason": reason}
    signals.committing.send(SocialAccount, act="account-bound", facts=[facts], using=account._state.db)
    return account


def _learn_unionid(account: SocialAccount, provider: Provider, grant: Grant) -> bool:
    """Learn the unionid of a person who was bound before the app had the permission to see it.

    If the call fails, the sign-in goes on, and the next sign-in tries again. Returns False if the binding was deleted
    meanwhile. The account does not change, even if the unionid shows that another account is the same person's.
    """
    release_connection()
    try:
        account.unionid = provider.unionid(grant)
    except ProviderUnavailable:
        return True
    if not account.unionid:
        return True
    # Not save(): it fails if the binding was just deleted.
    row = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(pk=account.pk)
    if not row.update(unionid=account.unionid, updated_at=timezone.now()):
        return False
    _tell_of_others(account.provider, account.unionid)
    return True


def _tell_of_others(family: str, unionid: str) -> None:
    """Tell the host if two accounts now appear to be one person's. The accounts are not merged."""
    rows = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(provider=family, unionid=unionid)
    users = sorted(set(rows.values_list("user_id", flat=True)), key=str)
    if len(users) > 1:
        signals.same_person_found.send_robust(SocialAccount, provider=family, unionid=unionid, user_ids=users)


def _adopt(identity: Identity) -> SocialAccount | None:
    """Find the same person's account in another of our apps, and write the new openid beside the old one.

    Raises AccountDisabled.
    """
    database = databases.primary(SocialAccount)
    siblings = SocialAccount.objects.using(database).filter(provider=identity.provider, unionid=identity.unionid)
    if not siblings.exists():
        return None
    try:
        with transaction.atomic(using=database):
            # Locked, so that no unbind runs while one more binding is made from them.
            locked = list(siblings.select_for_update().order_by("pk"))
            if len({sibling.user_id for sibling in locked}) != 1:
                # There is no account, or several that were bound before the unionid was known: the verified mobile
                # decides which one it is.
                return None
            # Not the row's `user`: a router may read that from a replica.
            user = databases.people().get(pk=locked[0].user_id)
            accounts.check_enabled(user)
            return _create(identity, user, "known")
    except IntegrityError:
        return find(identity)


def _greeted(identity: Identity, provider: Provider, grant: Grant) -> Identity:
    """Add the nickname and the avatar that the pages show. If the provider does not answer, go on without them."""
    try:
        profile = provider.profile(grant)
    except ProviderUnavailable:
        return identity
    # Databases refuse some characters that cannot be printed: PostgreSQL refuses NUL, all refuse half a surrogate pair.
    nickname = "".join(filter(str.isprintable, profile.nickname))[:NICKNAME_LENGTH]
    return replace(identity, nickname=nickname, avatar=_safe_avatar(profile.avatar))


def _safe_avatar(url: str) -> str:
    """The address, if a page can show it without quoting; otherwise ""."""
    return url if len(url) <= AVATAR_LENGTH and _AVATAR.match(url) else ""
