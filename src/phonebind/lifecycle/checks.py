"""System checks of this app, one function each. Ids never change their meaning.

W101 its addresses are not served    W102 Django's sessions go on after they were ended
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from phonebind.conf import conf
from phonebind.pages.middleware import AuthenticationMiddleware

Messages = list[CheckMessage]


def check_urls(**kwargs: Any) -> Messages:
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("phonebind_lifecycle:sessions")
    except NoReverseMatch:
        hint = 'Add path("", include("phonebind.lifecycle.urls")) to the URLs, in no other namespace.'
        told = "phonebind.lifecycle is installed, and nobody can list or end their sessions: its URLs are not included."
        return [Warning(told, hint=hint, id="phonebind.W101")]
    except (ImportError, ImproperlyConfigured):
        pass  # Django's own checks tell
    return []


def check_middleware(**kwargs: Any) -> Messages:
    keeps_sessions = conf.front_end == "session" or apps.is_installed("phonebind.pages")
    if not keeps_sessions or any(map(_asks, settings.MIDDLEWARE)):
        return []
    ours = f"{AuthenticationMiddleware.__module__}.{AuthenticationMiddleware.__qualname__}"
    told = "A session of Django's that was ended goes on: MIDDLEWARE does not ask whether it was."
    hint = f"Put {ours} in the place of django.contrib.auth.middleware.AuthenticationMiddleware."
    return [Warning(told, hint=hint, id="phonebind.W102")]


def _asks(path: str) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, AuthenticationMiddleware)


CHECKS: Sequence[Callable[..., Messages]] = (check_urls, check_middleware)
