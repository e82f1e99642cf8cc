"""Who is signed in by Django's session, and by which sign-in."""

from django.http import HttpRequest

from phonebind import accounts, masking, sessions
from phonebind.models import SocialAccount

_FLOW = "phonebind_flow"
_TARGET = "phonebind_target"


def start(request: HttpRequest, account: SocialAccount, flow: str, target: str) -> None:
    """Sign the account's user in, by ``flow``. Raises AccountDisabled."""
    sessions.start(request, account.user, social_account=account)
    remember(request, flow, target)


def remember(request: HttpRequest, flow: str, target: str) -> None:
    """That ``flow`` is done, so that its pages, met again, know it and lead to ``target`` once more."""
    request.session[_FLOW] = flow
    request.session[_TARGET] = target


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
