"""Base class of the pages for sign-in without a provider."""

from collections.abc import Collection
from typing import Any, cast
from urllib.parse import quote_plus

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from phonebind import binding, origins, sessions, tickets
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError
from phonebind.lifecycle import devices
from phonebind.lifecycle.exceptions import AuthenticationInsufficient, OwnerHeld, OwnerRefused
from phonebind.pages.code_pages import CodePage
from phonebind.pages.sessions import mobile as signed_in_mobile
from phonebind.pages.targets import account_url, login_url, next_url


class WayPage(CodePage):
    """A page that signs a person in.

    A code belongs to the device cookie of the browser that asked for it. So it survives a reload. A form of another
    site, which would sign its visitors in to the attacker's account, has no code.
    """

    method = "sms"

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.target = next_url(request)

    def answer(self) -> HttpResponse:
        if self.request.method == "POST":
            # This form signs the browser in by a cookie. It is not enough that no other site sent the request: the
            # Origin is checked too.
            origins.check_origin(self.request)
        response = super().answer()
        devices.remember(self.request, response)
        if not origins.is_foreign(self.request):
            # The form's URL counts twice in the size limits of servers. This page's URL counts a third time, in
            # Referer.
            tickets.make_room(self.request, response, 3 * len(quote_plus(self.target)))
        return response

    def context(self) -> dict[str, Any]:
        return {
            "login_url": login_url(self.target),
            "sms_url": account_url("sms", self.target) if conf.sms_sign_in or conf.sms_sign_up else "",
            "password_url": account_url("password", self.target),
            "reset_url": account_url("reset", self.target),
            "next": self.target,
            "signed_in_as": signed_in_mobile(self.request),
        }

    def enter(self, user: AbstractBaseUser) -> HttpResponse:
        """Sign in, and redirect to the target."""
        sessions.start(self.request, user, method=self.method)
        response = self.leave(self.target)
        binding.respond(self.request, response, user)
        return response

    def refuse(self, form: forms.Form, error: PhonebindError, *, screen: str = "") -> HttpResponse:
        if isinstance(error, AuthenticationInsufficient):
            error = in_words(OwnerRefused(), self.too_little(cast("Collection[str]", error.facts["methods"])))
        elif isinstance(error, OwnerHeld):
            when = _shown(str(error.facts["due_at"]))
            text = _("From %(when)s on, you can sign in with this number alone. Until then, use another way.")
            error = in_words(error, text % {"when": when})
        return super().refuse(form, error, screen=screen)

    def too_little(self, methods: Collection[str]) -> str:
        """The message if the number alone is not enough. ``methods``: the other ways of the account."""
        if "password" in methods:
            return _("An SMS code is not enough for this account. Please sign in with its password.")
        return _("An SMS code is not enough for this account. Please sign in the way you did before.")


def in_words(error: PhonebindError, text: str) -> PhonebindError:
    """Replace the error's message by one that says what to do on these pages. It is shown above the form."""
    error.message, error.field = text, None
    return error


def _shown(moment: str) -> str:
    found = parse_datetime(moment)
    return formats.date_format(timezone.localtime(found), "SHORT_DATETIME_FORMAT") if found else moment
