"""Set the person's first password, or change it."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from phonebind import accounts, audit, limits, sessions
from phonebind import binding as domain
from phonebind.exceptions import TooManyAttempts
from phonebind.lifecycle import passwords, step_up
from phonebind.lifecycle.pages import visitors
from phonebind.lifecycle.pages.forms import ChangePasswordForm, NewPasswordForm
from phonebind.lifecycle.pages.step_up import ActPage
from phonebind.lifecycle.pages.visitors import mine
from phonebind.lifecycle.people import Person
from phonebind.lifecycle.sessions import CONTINUED
from phonebind.pages.code_pages import Act


@mine("own_password", "GET", "POST", asks=True)
def password(request: HttpRequest, person: Person) -> HttpResponse:
    """With the old password, if there is one."""
    return (_ChangePage if accounts.has_password(person.user) else _NewPage)(request, person).answer()


@mine("own_password", "GET", "POST", asks=True)
def forgotten(request: HttpRequest, person: Person) -> HttpResponse:
    """Without the old password."""
    return _NewPage(request, person).answer()


class _NewPage(ActPage):
    template = "my_password.html"
    main = "set"
    methods = ("sms", "provider")

    def context(self) -> dict[str, Any]:
        return {**super().context(), "has_password": accounts.has_password(self.person.user), "by_old": False}

    def _set(self, form: forms.Form) -> HttpResponse:
        self.require()
        return self._change(form)

    def _change(self, form: forms.Form) -> HttpResponse:
        request, user = self.request, cast("Any", self.person.user)
        session = self.person.session()
        passwords.change(self.person, form.cleaned_data["password"])
        audit.note(request, outcome="changed")
        account = session.social_account if session else None
        # The host's data in Django's session stays. Without this, Django would not recognise the user by the old
        # password's hash: it would treat the session as another person's and empty it.
        request.user = user
        auth.update_session_auth_hash(request, user)
        sessions.start(request, user, method=CONTINUED, social_account=account)
        visitors.tell(request, _("The new password is set. All other devices are signed out."))
        response = self.leave(visitors.home())
        domain.respond(request, response, user, account)
        return response

    acts: ClassVar[Mapping[str, Act]] = {"set": Act(NewPasswordForm, "own_password", _set)}


class _ChangePage(_NewPage):
    main = "change"

    def context(self) -> dict[str, Any]:
        methods = step_up.available(self.person)
        forgotten = any(name in methods for name in self.methods)
        return {**super().context(), "by_old": True, "may_forget": forgotten}

    def require(self) -> str:
        """The old password is the only proof. It is in the same form as the new one."""
        return "password"

    def _set(self, form: forms.Form) -> HttpResponse:
        given, address = form.cleaned_data, limits.client_address(self.request)
        try:
            passwords.check(self.person, given["old_password"], address)
        except TooManyAttempts as error:
            error.field = "old_password"
            raise
        return self._change(form)

    acts: ClassVar = {"change": Act(ChangePasswordForm, "own_password", _set)}
