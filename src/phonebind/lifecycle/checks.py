"""System checks of this app, one function each. Ids never change their meaning.

E015 NUMBER_STATE        E016 SMS_SIGN_UP makes accounts that cannot be used again
W012 nothing tells whether a number has a new owner
W101 its URLs are not served    W102 Django's sessions go on after they were ended
W103 no gateway can notify an old number of a change
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from phonebind.conf import SETTING, conf
from phonebind.lifecycle import number_state
from phonebind.options import UNUSABLE, explain
from phonebind.pages.middleware import AuthenticationMiddleware
from phonebind.sms import MOBILE_CHANGE, registry

Messages = list[CheckMessage]


def check_urls(**kwargs: Any) -> Messages:
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("phonebind_lifecycle:sessions")
    except NoReverseMatch:
        hint = 'Add path("", include("phonebind.lifecycle.urls")) to the URLs, in no other namespace.'
        told = "phonebind.lifecycle is installed without its URLs, so people cannot list or end their sessions."
        return [Warning(told, hint=hint, id="phonebind.W101")]
    except (ImportError, ImproperlyConfigured):
        pass  # Django's own checks report this.
    return []


def check_middleware(**kwargs: Any) -> Messages:
    keeps_sessions = conf.front_end == "session" or apps.is_installed("phonebind.pages")
    if not keeps_sessions or any(map(_asks, settings.MIDDLEWARE)):
        return []
    ours = f"{AuthenticationMiddleware.__module__}.{AuthenticationMiddleware.__qualname__}"
    told = "MIDDLEWARE does not check whether a session has ended, so Django's session goes on after its end."
    hint = f"Put {ours} in the place of django.contrib.auth.middleware.AuthenticationMiddleware."
    return [Warning(told, hint=hint, id="phonebind.W102")]


def check_number_state(**kwargs: Any) -> Messages:
    if not conf.number_state:
        return []
    try:
        problems = number_state.get().check()
    except UNUSABLE as error:
        problems = [explain(error)]
    return [Error(f"{SETTING}['NUMBER_STATE']: {problem}", id="phonebind.E015") for problem in problems]


def check_sign_up(**kwargs: Any) -> Messages:
    if not conf.sms_sign_up or conf.bind_without_password:
        return []
    told = "An account that is made by SMS has no password, and this site does not let such an account sign in by SMS."
    hint = "Turn off SMS_SIGN_UP: POST /users/ registers with a password. Or leave BIND_WITHOUT_PASSWORD True."
    return [Error(f"{SETTING}['SMS_SIGN_UP']: {told}", hint=hint, id="phonebind.E016")]


def check_nobody_knows(**kwargs: Any) -> Messages:
    if conf.number_state:
        return []
    hint = "A person who was not seen with their number for 90 days is asked whether the account is theirs."
    return [
        Warning(
            f"{SETTING}['NUMBER_STATE'] is empty, and passwords can be reset by SMS.", hint=hint, id="phonebind.W012"
        )
    ]


def check_notices(**kwargs: Any) -> Messages:
    if not conf.mobile_change_notice or any(registry.says(each, MOBILE_CHANGE) for each in registry.senders()):
        return []
    told = f"No gateway of {SETTING}['SMS'] can notify an old number that its account gets another one."
    hint = (
        f"Add a template without parameters, templates[{MOBILE_CHANGE!r}]; or notify people in another way, with the "
        "signal mobile_change_requested, and set MOBILE_CHANGE_NOTICE to False."
    )
    return [Warning(told, hint=hint, id="phonebind.W103")]


def _asks(path: str) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, AuthenticationMiddleware)


CHECKS: Sequence[Callable[..., Messages]] = (check_urls, check_middleware, check_number_state, check_sign_up)
DEPLOY_CHECKS: Sequence[Callable[..., Messages]] = (check_nobody_knows, check_notices)
