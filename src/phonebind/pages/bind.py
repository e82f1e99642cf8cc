"""The page where an identity gets its mobile."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from phonebind import binding, human, limits, oauth, sms_codes, tickets
from phonebind.exceptions import TicketInvalid
from phonebind.pages import sessions
from phonebind.pages.answers import SeeOther, page, refuse
from phonebind.pages.code_pages import Act, CodePage
from phonebind.pages.forms import BindForm
from phonebind.pages.targets import next_url, start_url
from phonebind.sms_codes import Sent
from phonebind.tickets import Ticket


# The ticket in the form is what Django's CSRF token would be: nobody else can know it, and it is good only together
# with its own cookie. Django's changes whenever somebody signs in, and would refuse the form that another tab shows.
@csrf_exempt
@page("bind", "GET", "POST", asks=True)
def bind(request: HttpRequest, provider: str, flow: str) -> HttpResponse:
    """The form can be reloaded as often as one likes."""
    source, target = oauth.get(provider), next_url(request, tickets.kept_next(request, flow))
    posted = request.method == "POST"
    if not posted and (done := sessions.led_to(request, flow)):
        return SeeOther(done)
    access_token = request.POST.get("access_token", "") if posted else tickets.kept(request, flow)
    try:
        ticket = tickets.read(request, source, access_token)
    except TicketInvalid as error:
        return refuse(request, error, again=start_url(provider, target))
    return _BindPage(request, flow, access_token, ticket).answer()


class _BindPage(CodePage):
    template = "bind.html"
    main = "bind"

    def __init__(self, request: HttpRequest, flow: str, access_token: str, ticket: Ticket) -> None:
        super().__init__(request)
        self.flow = flow
        self.access_token = access_token
        self.ticket = ticket

    def context(self) -> dict[str, Any]:
        identity = self.ticket.identity
        return {
            "access_token": self.access_token,
            "nickname": identity.nickname,
            "avatar": identity.avatar,
            "provider": oauth.label(identity.provider, identity.app_id),
            "other_account": sessions.name_without_mobile(self.request),
        }

    def send(self, mobile: str, answers: human.Answers) -> Sent:
        return human.send_code(self.request, mobile, answers, holder=self.ticket.identity.key)

    def _bind(self, form: forms.Form) -> HttpResponse:
        identity, given = self.ticket.identity, form.cleaned_data
        address = limits.client_address(self.request)
        mobile = sms_codes.check(given["mobile"], given["sms_code"], claimant=identity.key, address=address)
        account = binding.bind(self.request, identity, mobile, given["password"])
        target = self.ticket.next
        sessions.start(self.request, account, self.flow, target)
        response = self.leave(target)
        tickets.drop(self.request, response, self.flow)
        binding.respond(self.request, response, account.user, account)
        return response

    acts: ClassVar = {**CodePage.CODES, "bind": Act(BindForm, "bind", _bind)}
