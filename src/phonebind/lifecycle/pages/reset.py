"""Reset a forgotten password. The person comes from the page for sign-in by password, or from the bind form. In the
second case the page leads back to the bind form, with the mobile number proved.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from phonebind import accounts, binding, browser, human, oauth, tickets
from phonebind.exceptions import PhonebindError, SmsUnconfirmed, TicketInvalid
from phonebind.lifecycle import resets
from phonebind.lifecycle.pages.way_forms import ResetForm
from phonebind.lifecycle.pages.ways import WayPage
from phonebind.pages.answers import page, problem, refuse
from phonebind.pages.code_pages import Act
from phonebind.pages.targets import kept_url, login_url, start_url
from phonebind.sms_codes import Sent
from phonebind.tickets import Ticket


@dataclass(frozen=True, slots=True)
class _Bind:
    """The bind form that the person came from."""

    provider: str
    flow: str
    ticket: Ticket

    @property
    def url(self) -> str:
        return kept_url("bind", self.provider, self.flow)


# A reset belongs to this browser, so a form of another site has none: see by_sms.
@csrf_exempt
@page("password_reset", "GET", "POST", asks=True)
def reset(request: HttpRequest) -> HttpResponse:
    """``?provider=`` and ``flow=`` name the bind form that the person came from. Its ticket is stored in a cookie."""
    provider, flow = request.GET.get("provider", ""), request.GET.get("flow", "")
    if not provider:
        return _ResetPage(request, None).answer()
    source = oauth.get(provider)
    try:
        # ``flow`` must be the full name from the bind page, and not a prefix of it, because it becomes part of a URL.
        known = len(flow) == browser.ID_LENGTH and browser.is_ours(browser.name_of(request, "kept", flow))
        ticket = tickets.read(request, source, tickets.kept(request, flow) if known else "")
    except TicketInvalid as error:
        return refuse(request, error, again=start_url(provider, tickets.kept_next(request, flow)))
    return _ResetPage(request, _Bind(provider, flow, ticket)).answer()


class _ResetPage(WayPage):
    template = "reset.html"
    main = "reset"

    def __init__(self, request: HttpRequest, bind: _Bind | None) -> None:
        super().__init__(request)
        self.bind = bind
        self.is_sent = False

    def answer(self) -> HttpResponse:
        response = super().answer()
        if self.bind and self.is_sent and not self.bind.ticket.renewed:
            # The ticket must last until the person is back at the form.
            tickets.renew(self.request, response, self.bind.flow, self.bind.ticket)
        return response

    def context(self) -> dict[str, Any]:
        return super().context() | {"bind_url": self.bind.url if self.bind else ""}

    def send(self, mobile: str, answers: human.Answers) -> Sent:
        own_id = resets.id_of_page(self.request, mobile)
        try:
            _reset, sent, _cookie = resets.start(self.request, mobile, answers, unbound=True, own_id=own_id)
        except SmsUnconfirmed:
            self.is_sent = True
            raise
        self.is_sent = True
        return sent

    def act(self) -> HttpResponse:
        if not self.request.POST.get("question"):
            return super().act()
        # The answer to the question whose account it is. That page does not keep the new password.
        form = ResetForm(self.request.POST)
        try:
            settled = self._settle_owner()
        except PhonebindError as error:
            # The errors of this form do not matter for the answer.
            form.errors.clear()
            return self.refuse(form, error)
        if settled:
            return self._without_account()
        form = ResetForm(initial=self.request.POST.dict())
        form.fields["password"].widget.attrs["autofocus"] = True
        return self.show(form, notice=_("Thank you. Now choose your new password."))

    def _without_account(self) -> HttpResponse:
        """The account belongs to another person, so there is no password to reset."""
        if self.bind:
            return self.leave(self.bind.url)
        message = _("The earlier account no longer has this number. Sign in again to get your own account.")
        return problem(self.request, _("The number is yours now"), message, again=login_url(self.target))

    def too_little(self, methods: Collection[str]) -> str:
        return _(
            "An SMS code is not enough for this account. Please sign in the way you did before, and set a new password"
            " then."
        )

    def _reset(self, form: forms.Form) -> HttpResponse:
        given = form.cleaned_data
        accounts.check_length(given["password"])
        mobile = given["mobile"]
        found = resets.read_of_page(self.request, mobile)
        user = resets.save(self.request, found, given["sms_code"], given["password"])
        if self.bind is None:
            binding.sign_in(self.request, user)
            return self.enter(user)
        response = self.leave(self.bind.url)
        tickets.renew(self.request, response, self.bind.flow, self.bind.ticket, proved=mobile)
        return response

    acts: ClassVar = {**WayPage.CODES, "reset": Act(ResetForm, "password_reset", _reset)}
