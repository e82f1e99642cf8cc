"""Django's session of a person who has just signed in, for the pages and for front ends that keep no token."""

import time
from typing import Any, cast

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from phonebind import audit, databases, life, revocation, store
from phonebind.exceptions import AccountDisabled
from phonebind.models import SocialAccount


def start(
    request: HttpRequest,
    user: AbstractBaseUser,
    *,
    method: str = "provider",
    social_account: SocialAccount | None = None,
) -> None:
    """Sign ``user`` in. Raises AccountDisabled, StorageUnavailable (many shops keep sessions in a cache)."""
    with store.failures():
        before = request.session.get(life.SID) if life.installed else None
        auth.login(request, cast("Any", user), backend=_backend(user))
        if life.installed:
            since = max(audit.began(request), revocation.ended_by(user))
            ends = time.time() + settings.SESSION_COOKIE_AGE
            begun = life.installed.begin(request, user, method, social_account, since, ends)
            request.session[life.SID] = begun.sid
            if before:
                # A browser has one session at a time.
                life.installed.end(before, "signed_out")


def _backend(user: AbstractBaseUser) -> str:
    """The backend that loads this user in the next request: some backends are only for permissions or locks.

    Raises AccountDisabled if no backend loads the user: on the next page they would not be signed in.
    """
    for path in settings.AUTHENTICATION_BACKENDS:
        if _loads(auth.load_backend(path), user):
            return str(path)
    raise AccountDisabled


def _loads(backend: Any, user: AbstractBaseUser) -> bool:
    if getattr(type(backend), "get_user", None) is not ModelBackend.get_user:
        return bool(backend.get_user(user.pk))
    # Django's backend asks the default manager, which may read from a replica that does not have a new user yet.
    shown = type(user)._default_manager.using(databases.primary(type(user))).filter(pk=user.pk)
    return bool(backend.user_can_authenticate(user)) and shown.exists()
