"""The page that binds an identity to a mobile number. It asks for the number first, and then for a password if the
account of that number needs one.
"""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from phonebind import audit, binding, human, limits, mobile_proofs, oauth, sms_codes, tickets
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, TicketInvalid
from phonebind.pages import sessions
from phonebind.pages.answers import SeeOther, page, refuse, wants_json
from phonebind.pages.code_pages import Act, CodePage
from phonebind.pages.forms import BindForm, ConsentForm, ProvedForm
from phonebind.pages.targets import account_url, next_url, start_url
from phonebind.sms_codes import Sent
from phonebind.tickets import Ticket
from phonebind.verified import VerifiedMobile


# The ticket in the form replaces Django's CSRF token. No other site can know it, and it is valid only together with its
# cookie. Django's token changes with every sign-in, and would then refuse the form in another tab.
@csrf_exempt
@page("bind", "GET", "POST", asks=True)
def bind(request: HttpRequest, provider: str, flow: str) -> HttpResponse:
    """Show or process the form. It can be reloaded any number of times."""
    source, target = oauth.get(provider), next_url(request, tickets.kept_next(request, flow))
    posted = request.method == "POST"
    if not posted and (done := sessions.led_to(request, flow)):
        return SeeOther(done)
    access_token = request.POST.get("access_token", "") if posted else tickets.kept(request, flow)
    try:
        ticket = tickets.read(request, source, access_token)
    except TicketInvalid as error:
        return refuse(request, error, again=start_url(provider, target))
    return _BindPage(request, access_token, ticket, (provider, flow)).answer()


class _BindPage(CodePage):
    """The bind form. Sent with the action ``mobile``, and again with ``bind`` if a password is needed. One request
    may also contain all of it.
    """

    def __init__(self, request: HttpRequest, access_token: str, ticket: Ticket, address: tuple[str, str]) -> None:
        super().__init__(request)
        self.provider, self.flow = address
        self.access_token = access_token
        self.ticket = ticket
        self.identity = ticket.identity
        self.proof = request.POST.get("mobile_proof", "")
        self.mobile_shown = request.POST.get("mobile", "")
        self._ask(request.POST.get("needs", ""))
        if "password" in request.POST:
            self.main = "bind"
        elif request.method == "GET":
            self._come_back()

    def _come_back(self) -> None:
        """After a password reset, the mobile number is already proved."""
        proved = mobile_proofs.of(self.ticket)
        if proved is not None:
            self.proof, self.mobile_shown = proved.token, proved.mobile.number
            self._ask(binding.asks(self.ticket.identity, proved.mobile))

    def _ask(self, needs: str) -> None:
        """Set what the page asks for next.

        "new": a new password. "known": the password of the account. "": the mobile number, still or again.
        """
        self.needs = needs if needs in ("new", "known") else ""
        self.main, self.template = ("bind", "bind_password.html") if self.needs else ("mobile", "bind.html")

    def context(self) -> dict[str, Any]:
        identity, typed = self.ticket.identity, self.request.POST
        return {
            "access_token": self.access_token,
            "nickname": identity.nickname,
            "avatar": identity.avatar,
            "provider": oauth.label(identity.provider, identity.app_id),
            "other_account": sessions.name_without_mobile(self.request),
            # Taken from ``needs``: a form that was sent with all fields may have to start again with the mobile number.
            "action": "bind" if self.needs else "mobile",
            "needs": self.needs,
            "again": self.request.get_full_path(),
            "mobile": self.mobile_shown,
            "asks_password": typed.get("action") == "bind",
            "kept": self.kept("access_token", "mobile", "needs", "action"),
            "reset_url": self._reset_url(),
            "agreed": all(typed.get(name) for name in ConsentForm().fields if name in ("terms", "privacy")),
        }

    def show(
        self, form: forms.Form | None = None, *, error: PhonebindError | None = None, screen: str = "", **told: Any
    ) -> HttpResponse:
        if screen and screen != self.template:
            # That template may need a password, and the form that was sent may not have the field.
            self.main = "bind"
        form = form or self.acts[self.main].form(initial=self.request.POST.dict())
        if self.request.method == "GET" and self.proof:
            told.setdefault("notice", _("Your new password is set. Enter it here to finish."))
        if self.needs and "password" in form.fields:
            password = form.fields["password"].widget.attrs
            if self.needs == "new":
                form["password"].help_text = _("8 to 20 characters.")
                password["autocomplete"] = "new-password"
            if error is None:
                password["autofocus"] = True
        return super().show(form, error=error, screen=screen, **told)

    def _reset_url(self) -> str:
        """The page to reset a forgotten password: ours, which leads back here, or the host's own."""
        return account_url("reset", provider=self.provider, flow=self.flow) or conf.password_reset_url

    def send(self, mobile: str, answers: human.Answers) -> Sent:
        return human.send_code(self.request, mobile, answers, holder=self.ticket.identity.key)

    def refuse(self, form: forms.Form, error: PhonebindError, *, screen: str = "") -> HttpResponse:
        if self.request.POST.get("needs") and not self.needs:
            # The code is no longer valid. The previous step asks for another one.
            screen = self.template
        return super().refuse(form, error, screen=screen)

    def _mobile(self, form: forms.Form) -> HttpResponse:
        mobile = self._proved(form)
        self._ask(binding.asks(self.ticket.identity, mobile))
        if not self.needs:
            return self._enter(mobile, self.request.POST.get("password") or None)
        audit.note(self.request, outcome="proved")
        return JsonResponse({"screen": True}) if wants_json(self.request) else self.show()

    def _bind(self, form: forms.Form) -> HttpResponse:
        mobile = self._proved(form)
        self._ask(binding.asks(self.ticket.identity, mobile))
        return self._enter(mobile, form.cleaned_data["password"])

    def _proved(self, form: forms.Form) -> VerifiedMobile:
        identity, given = self.ticket.identity, form.cleaned_data
        self._ask("")
        if self.proof:
            return mobile_proofs.read(self.proof, identity)
        address = limits.client_address(self.request)
        return sms_codes.check(given["mobile"], given["sms_code"], claimant=identity.key, address=address)

    def _enter(self, mobile: VerifiedMobile, password: str | None) -> HttpResponse:
        choice = self.request.POST.get("second_identity", "")
        account = binding.bind(self.request, self.ticket.identity, mobile, password, choice)
        target = self.ticket.next
        sessions.start(self.request, account, self.flow, target)
        response = self.leave(target)
        tickets.drop(self.request, response, self.flow)
        binding.respond(self.request, response, account.user, account)
        return response

    acts: ClassVar = {
        **CodePage.CODES,
        "mobile": Act(ProvedForm, "bind", _mobile),
        "bind": Act(BindForm, "bind", _bind),
    }
