"""The sign-in in Django's session: which user, and which flow."""

from django.http import HttpRequest

from phonebind import accounts, masking, sessions
from phonebind.models import SocialAccount

_FLOW = "phonebind_flow"
_TARGET = "phonebind_target"


def start(request: HttpRequest, account: SocialAccount, flow: str, target: str) -> None:
    """Sign in the account's user, for this ``flow``. Raises AccountDisabled."""
    sessions.start(request, account.user, social_account=account)
    remember(request, flow, target)


def remember(request: HttpRequest, flow: str, target: str) -> None:
    """Store that ``flow`` is done. If its pages are loaded again, they redirect to ``target``."""
    request.session[_FLOW] = flow
    request.session[_TARGET] = target


def led_to(request: HttpRequest, flow: str) -> str:
    """The target of this flow, if the session's last sign-in was this flow; else ""."""
    return str(request.session.get(_TARGET, "")) if request.session.get(_FLOW) == flow else ""


def has_mobile(request: HttpRequest) -> bool:
    """Whether a person is signed in and their account has a mobile number."""
    return bool(request.user.is_authenticated and accounts.mobile_of(request.user))


def name_without_mobile(request: HttpRequest) -> str:
    """The username of a signed-in person without a mobile number; "" in all other cases."""
    return request.user.get_username() if request.user.is_authenticated and not has_mobile(request) else ""


def mobile(request: HttpRequest) -> str:
    """The mobile number of the signed-in person, such as 138****0001. Without a number: the username. Signed out:
    "".
    """
    return masking.mobile(accounts.mobile_of(request.user)) or request.user.get_username()
