"""Sign-in with a username or mobile number, and a password."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from phonebind import accounts, audit, binding, limits
from phonebind.exceptions import PhonebindError
from phonebind.lifecycle.pages.way_forms import PasswordForm
from phonebind.lifecycle.pages.ways import WayPage
from phonebind.pages.answers import page, show
from phonebind.pages.code_pages import Act


# Protected by a check of the form's origin, and not by Django's token: see by_sms.
@csrf_exempt
@page("password", "GET", "POST")
def by_password(request: HttpRequest) -> HttpResponse:
    return _PasswordPage(request).answer()


class _PasswordPage(WayPage):
    """This page sends no codes."""

    method = "password"
    template = "by_password.html"
    main = "enter"

    def show(
        self, form: forms.Form | None = None, *, error: PhonebindError | None = None, screen: str = "", **told: Any
    ) -> HttpResponse:
        form = form or PasswordForm(initial=self.request.POST.dict())
        context = {"action": self.main, "form": form, "active": form, **self.context()}
        return show(self.request, self.template, context, error=error)

    def _enter(self, form: forms.Form) -> HttpResponse:
        given = form.cleaned_data
        audit.note(self.request, mobile=given["username"])
        address = limits.client_address(self.request)
        user = accounts.authenticate(given["username"], given["password"], address)
        binding.sign_in(self.request, user)
        return self.enter(user)

    acts: ClassVar = {"enter": Act(PasswordForm, "password", _enter)}
