from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from phonebind.conf import conf

#: The pages remember a signed-in person in Django's session.
NEEDED = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)


class PagesConfig(AppConfig):
    name = "phonebind.pages"
    label = "phonebind_pages"
    verbose_name = _("Phone-verified sign-in: pages")

    def ready(self) -> None:
        checks.register(check_middleware, "phonebind")
        checks.register(check_replicas, "phonebind")
        checks.register(check_paths, "phonebind")
        # Imported only now, because they import models.
        look = import_module("phonebind.pages.look")
        checks.register(look.check, "phonebind")
        checks.register(look.check_addresses, "phonebind")
        begin = import_module("phonebind.pages.middleware").begin
        user_logged_in.connect(begin, dispatch_uid="phonebind.pages.begin")


def check_middleware(**kwargs: Any) -> list[checks.CheckMessage]:
    installed = [found for found in map(import_string, settings.MIDDLEWARE) if isinstance(found, type)]
    return [
        checks.Error(f"The pages of phonebind need {name!r} in MIDDLEWARE.", id="phonebind_pages.E001")
        for name in NEEDED
        if not any(issubclass(found, import_string(name)) for found in installed)
    ]


def check_replicas(**kwargs: Any) -> list[checks.CheckMessage]:
    model = get_user_model()
    if router.db_for_read(model) == router.db_for_write(model):
        return []
    hint = "Put 'phonebind.databases.PrimaryRouter' first in DATABASE_ROUTERS."
    message = "Sessions and users are read from a replica. The page after a sign-in may not know the person yet."
    return [checks.Warning(message, hint=hint, id="phonebind_pages.W001")]


def check_paths(**kwargs: Any) -> list[checks.CheckMessage]:
    try:
        page, front_end = reverse("phonebind_pages:login"), reverse("phonebind:follow", args=["qq", "next"])
        is_session = conf.front_end == "session"
    except (NoReverseMatch, ImproperlyConfigured):  # phonebind.E001 reports the settings
        return []
    if not is_session or front_end.removesuffix("oauth/qq/next/next/") != page.removesuffix("login/"):
        return []
    hint = "Remove phonebind.pages and its URLs, or include them under another path."
    message = f"The page {page} and the password sign-in of FRONT_END 'session' have the same URL."
    return [checks.Warning(message, hint=hint, id="phonebind_pages.W002")]
