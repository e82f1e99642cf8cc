"""The page that asks a signed-in person whether to bind the identity to the current account."""

from typing import cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from phonebind import binding, life, oauth, tickets
from phonebind.exceptions import TicketInvalid
from phonebind.pages import sessions
from phonebind.pages.answers import SeeOther, page, refuse, show
from phonebind.pages.targets import kept_url, next_url, start_url
from phonebind.tickets import Ticket


# As on the bind page, the ticket in the form replaces Django's CSRF token.
@csrf_exempt
@page("bind", "GET", "POST", asks=True)
def attach(request: HttpRequest, provider: str, flow: str) -> HttpResponse:
    """GET asks. POST binds, if the signed-in person is still the one that the page named.

    With ``phonebind.lifecycle``, ``?by=`` first asks for a step-up. Without it, an attacker at a browser in which
    someone is signed in could bind the attacker's own identity, and so take over the account.
    """
    source, target = oauth.get(provider), next_url(request, tickets.kept_next(request, flow))
    posted = request.method == "POST"
    if not posted and (done := sessions.led_to(request, flow)):
        return SeeOther(done)
    if life.installed and sessions.has_mobile(request) and ("by" in request.GET or "step" in request.POST):
        return life.installed.confirm(request)
    access_token = request.POST.get("access_token", "") if posted else tickets.kept(request, flow)
    try:
        ticket = tickets.read(request, source, access_token)
    except TicketInvalid as error:
        return refuse(request, error, again=start_url(provider, target))
    if not sessions.has_mobile(request):
        return SeeOther(kept_url("bind", provider, flow))
    if posted and request.POST.get("user") == str(request.user.pk):
        return _bind(request, flow, ticket)
    context = {
        "access_token": access_token,
        "mobile": sessions.mobile(request),
        "nickname": ticket.identity.nickname,
        "avatar": ticket.identity.avatar,
        "other": kept_url("bind", provider, flow),
        "provider": source.label,
        "user_id": request.user.pk,
    }
    return show(request, "attach.html", context)


def _bind(request: HttpRequest, flow: str, ticket: Ticket) -> HttpResponse:
    if life.installed and not life.installed.is_confirmed(request):
        return SeeOther(f"{request.path}?by=")
    binding.attach(request, ticket.identity, cast("AbstractBaseUser", request.user))
    sessions.remember(request, flow, ticket.next)
    response = SeeOther(ticket.next)
    tickets.drop(request, response, flow)
    return response
