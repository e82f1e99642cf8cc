"""Django's session: who is signed in, and by which sign-in."""

from typing import Any, cast

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from phonebind import accounts, databases, masking
from phonebind.exceptions import AccountDisabled

_FLOW = "phonebind_flow"
_TARGET = "phonebind_target"


def start(request: HttpRequest, user: AbstractBaseUser, flow: str, target: str) -> None:
    """Sign ``user`` in, by ``flow``."""
    auth.login(request, cast("Any", user), backend=_backend(user))
    remember(request, flow, target)


def remember(request: HttpRequest, flow: str, target: str) -> None:
    """That ``flow`` is done, so that its pages, met again, know it and lead to ``target`` once more."""
    request.session[_FLOW] = flow
    request.session[_TARGET] = target


def _backend(user: AbstractBaseUser) -> str:
    """The one that will load the user again: some backends are there for permissions or for locks only.

    Raises AccountDisabled: a user whom none of them loads would be nobody on the next page.
    """
    for path in settings.AUTHENTICATION_BACKENDS:
        if _loads(auth.load_backend(path), user):
            return str(path)
    raise AccountDisabled


def _loads(backend: Any, user: AbstractBaseUser) -> bool:
    if getattr(type(backend), "get_user", None) is not ModelBackend.get_user:
        return bool(backend.get_user(user.pk))
    # Django's own asks the default manager, and a replica perhaps, to which somebody new may not have come yet.
    shown = type(user)._default_manager.using(databases.primary(type(user))).filter(pk=user.pk)
    return bool(backend.user_can_authenticate(user)) and shown.exists()


def led_to(request: HttpRequest, flow: str) -> str:
    """Where this session began to go, if it began with that sign-in; else ""."""
    return str(request.session.get(_TARGET, "")) if request.session.get(_FLOW) == flow else ""


def has_mobile(request: HttpRequest) -> bool:
    """Whether somebody is signed in whose account has a mobile."""
    return bool(request.user.is_authenticated and accounts.mobile_of(request.user))


def name_without_mobile(request: HttpRequest) -> str:
    """Whoever is signed in and has no mobile; "" for all others."""
    return request.user.get_username() if request.user.is_authenticated and not has_mobile(request) else ""


def mobile(request: HttpRequest) -> str:
    """The mobile of who is signed in, as in 138****0001; their username where they have none; "" for nobody."""
    return masking.mobile(accounts.mobile_of(request.user)) or request.user.get_username()
