"""The sign-in page, the redirect to the provider, and the callback. If there is no mobile number yet, ``bind``
follows.
"""

from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from phonebind import audit, binding, browser, databases, human, life, limits, oauth, origins, states, tickets
from phonebind.conf import conf
from phonebind.exceptions import AccountDisabled, CodeInvalid, SnapshotUser, StateInvalid, Unavailable
from phonebind.human.image_codes import MEDIA_TYPE
from phonebind.models import SocialAccount
from phonebind.oauth import Identity, WebProvider
from phonebind.pages import sessions
from phonebind.pages.answers import SeeOther, marks, page, problem, refuse, show
from phonebind.pages.targets import account_url, bind_url, kept_url, login_url, next_url, signed_out_url, start_url
from phonebind.pages.widgets import show_widget
from phonebind.states import State


@page("login", "GET", "HEAD")
def login(request: HttpRequest) -> HttpResponse:
    """The sign-in page. It has one button for each way to sign in that works in this browser, and hints for the
    others.
    """
    target = next_url(request)
    user_agent = request.headers.get("User-Agent", "")
    context = {
        "ways": [_way(source, target) for source in oauth.ways(user_agent)],
        "hints": [source.hint for source in oauth.elsewhere(user_agent)],
        "by_sms": account_url("sms", target) if conf.sms_sign_in or conf.sms_sign_up else "",
        "by_password": account_url("password", target),
        "next": target,
        "mobile": sessions.mobile(request),
    }
    response = show(request, "login.html", context)
    if not origins.is_foreign(request):
        # The button's query counts twice in the size limits of servers. This page's query counts a third time, in
        # Referer.
        tickets.make_room(request, response, 3 * len(quote_plus(target)))
    return response


@page("authorize", "GET")
def start(request: HttpRequest, provider: str) -> HttpResponse:
    """Redirect to the provider, with a state that only this browser can bring back.

    If another site sent the visitor, the sign-in page is shown first. Otherwise any site could switch its visitors to
    the attacker's account without notice.
    """
    source, target = oauth.web(provider), next_url(request)
    if origins.is_foreign(request):
        return SeeOther(login_url(target))
    started = states.start(request, source, target)
    audit.note(request, outcome="started")
    user_agent = request.headers.get("User-Agent", "")
    url = source.login_url(started.state, secret=started.secret, user_agent=user_agent)
    widget = source.widget(started.state)
    response = SeeOther(url) if widget is None else show_widget(request, source, widget, url)
    states.remember(request, response, started)
    tickets.make_room(request, response, started.weight)
    return response


@page("callback", "GET")
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """The callback from the provider. It may arrive twice. Reloading it never loses the sign-in."""
    source = oauth.web(provider)
    text, code = request.GET.get("state", ""), request.GET.get(source.code_field, "")
    if not code:
        return _refused(request, source, text)
    try:
        state = states.read(request, source, text)
    except StateInvalid as error:
        if answer := _other_intent(request, source, text, code):
            return answer
        known = states.known(request, source, text)
        if known is None:
            raise
        audit.refused(request, error)
        return SeeOther(bind_url(source, known, kept=bool(tickets.kept(request, known.id))))
    again = start_url(source.name, state.next)
    try:
        identity, account = binding.identify(source, lambda: source.exchange(code, secret=state.secret))
        response = _to_form(request, source, state, identity) if account is None else _enter(request, state, account)
    except Unavailable as error:
        # The state stays valid: the code may be unused, and then a reload of this page continues.
        return refuse(request, error, again=again)
    except CodeInvalid as error:
        audit.refused(request, error)
        response = SeeOther(bind_url(source, state))
    except (AccountDisabled, SnapshotUser) as error:
        response = refuse(request, error, again=again)
    states.forget(request, response, state)
    return response


@page("image_code", "GET", guarded=("GET",))
def image_code(request: HttpRequest, image_code_id: UUID) -> HttpResponse:
    image = human.draw(str(image_code_id), limits.client_address(request))
    audit.note(request, outcome="drawn")
    return HttpResponse(image, content_type=MEDIA_TYPE)


@page("done", "GET", "HEAD")
def done(request: HttpRequest) -> HttpResponse:
    """Says who is signed in. For hosts that have no page to redirect to after sign-in."""
    if not request.user.is_authenticated:
        return SeeOther(reverse("phonebind_pages:login"))
    accounts = SocialAccount.objects.using(databases.primary(SocialAccount)).filter(user=request.user.pk)
    bound = [
        {
            "label": oauth.label(account.provider, account.app_id),
            "nickname": account.nickname,
            "since": account.created_at,
        }
        for account in accounts.order_by("created_at", "pk")
    ]
    return show(request, "done.html", {"mobile": sessions.mobile(request), "bound": bound})


# Checked by our decorator and not by the middleware: the middleware cannot answer a form that cannot be read.
@csrf_exempt
@page("sign_out", "POST")
@csrf_protect
def logout(request: HttpRequest) -> HttpResponse:
    audit.note(request, outcome="signed_out", user_id=request.user.pk)
    auth.logout(request)
    response = SeeOther(signed_out_url())
    browser.forget_all(request, response)
    return response


def _way(source: WebProvider, target: str) -> dict[str, Any]:
    return {
        "name": source.name,
        "label": source.label,
        "text": source.button,
        "family": source.family,
        "mark": marks(source.family),
        "url": start_url(source.name, target),
    }


def _refused(request: HttpRequest, source: WebProvider, text: str) -> HttpResponse:
    """The callback without a code: the person cancelled, or the provider refused us."""
    started = states.known(request, source, text)
    again = start_url(source.name, started.next if started else "")
    try:
        states.read(request, source, text)
        error = source.refusal(request.GET.get("error", ""))
        if isinstance(error, Unavailable):
            return refuse(request, error, again=again)
    except StateInvalid:
        if answer := _other_intent(request, source, text, ""):
            return answer
        # This browser did not start with this state. It is no problem for the operator.
    audit.note(request, outcome="cancelled")
    title = _("Sign-in cancelled")
    message = _("%(provider)s did not confirm that it is you. Nothing was changed.") % {"provider": source.label}
    return problem(request, title, message, again=again)


def _other_intent(request: HttpRequest, source: WebProvider, text: str, code: str) -> HttpResponse | None:
    return life.installed.came_back(request, source, text, code) if life.installed else None


def _enter(request: HttpRequest, state: State, account: SocialAccount) -> HttpResponse:
    binding.sign_in(request, account.user, account)
    sessions.start(request, account, state.id, state.next)
    response = SeeOther(state.next)
    binding.respond(request, response, account.user, account)
    return response


def _to_form(request: HttpRequest, source: WebProvider, state: State, identity: Identity) -> HttpResponse:
    """Redirect to a URL without code and state. The person can reload it any number of times."""
    audit.note(request, outcome="not_bound")
    ticket, cookie = tickets.issue(request, identity, state.next)
    # A signed-in person means the current account, and not a second one.
    name = "attach" if sessions.has_mobile(request) else "bind"
    response = SeeOther(kept_url(name, source.name, state.id))
    tickets.remember(request, response, cookie)
    tickets.keep(request, response, state.id, ticket)
    return response
