"""The page where an identity gets its mobile: a plain form, and the same answers in JSON for its script."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt

from phonebind import audit, binding, human, limits, oauth, sms_codes, sms_receipts, tickets
from phonebind.conf import conf
from phonebind.exceptions import Invalid, PasswordWrong, PhonebindError, TicketInvalid, TooManyAttempts
from phonebind.pages import sessions
from phonebind.pages.answers import SeeOther, foreseen, page, refuse, refuse_json, show, wants_json
from phonebind.pages.forms import BindForm, HumanCheckForm, ReceiptForm, SmsCodeForm
from phonebind.pages.targets import next_url, start_url
from phonebind.sms import registry
from phonebind.tickets import Ticket


# The ticket in the form is what Django's CSRF token would be: nobody else can know it, and it is good only together
# with its own cookie. Django's changes whenever somebody signs in, and would refuse the form that another tab shows.
@csrf_exempt
@page("bind", "GET", "POST", asks=True)
def bind(request: HttpRequest, provider: str, flow: str) -> HttpResponse:
    """GET shows the form, as often as it is reloaded. POST acts: ``action`` is a key of ``ACTS``, or ``image``."""
    source, target = oauth.get(provider), next_url(request, tickets.kept_next(request, flow))
    posted = request.method == "POST"
    if not posted and (done := sessions.led_to(request, flow)):
        return SeeOther(done)
    access_token = request.POST.get("access_token", "") if posted else tickets.kept(request, flow)
    try:
        ticket = tickets.read(request, source, access_token)
    except TicketInvalid as error:
        return refuse(request, error, again=start_url(provider, target))
    form_page = _FormPage(request, flow, access_token, ticket)
    return form_page.act() if posted else form_page.show()


def _is_about_password(error: PhonebindError | None) -> bool:
    """Wrong, or wrong too often."""
    locked = isinstance(error, TooManyAttempts) and error.limit.startswith("password_")
    return locked or isinstance(error, PasswordWrong)


def _explained(error: PhonebindError) -> dict[str, Any]:
    """The error's body. Who has tried too often is told for how long to wait; an app reads that in ``retry_after``."""
    if not isinstance(error, TooManyAttempts):
        return error.body
    minutes = math.ceil((error.retry_after or 0) / 60)
    message = ngettext(
        "Too many wrong attempts. Please try again in %(minutes)s minute.",
        "Too many wrong attempts. Please try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
    errors = {"errors": {"password": [message]}} if _is_about_password(error) else {}
    return {**error.body, "message": message, **errors}


@dataclass(frozen=True, slots=True)
class _FormPage:
    request: HttpRequest
    flow: str
    access_token: str
    ticket: Ticket

    def show(self, form: forms.Form | None = None, *, error: PhonebindError | None = None, **told: Any) -> HttpResponse:
        """The page; everything typed is kept but the password and the used-up image code. ``told`` is for the template:
        ``sent``, the number that a code is on its way to, ``receipt``, what that SMS is asked for by, and ``news`` of
        it.
        """
        typed = self.request.POST.dict()
        send_code, bind = (form if isinstance(form, kind) else kind(initial=typed) for kind in (SmsCodeForm, BindForm))
        sent = told.get("sent", "")
        if sent:
            send_code["text"].help_text = _("Only needed for another code.")
        context = {
            "send_code": send_code,
            "bind": bind,
            "active": form or bind,
            "access_token": self.access_token,
            "image_code_id": uuid4(),
            "nickname": self.ticket.identity.nickname,
            "avatar": self.ticket.identity.avatar,
            "provider": oauth.label(self.ticket.identity.provider, self.ticket.identity.app_id),
            "minutes": sms_codes.EXPIRES_IN // 60,
            "human": human.mode(),
            "other_account": sessions.name_without_mobile(self.request),
            "receipts": registry.brings_receipts(),
            "receipt": typed.get("receipt", ""),
            **told,
            "sent": sent and f"{sent[:3]} {sent[3:7]} {sent[7:]}",
            "password_reset_url": conf.password_reset_url,
            "forgot": _is_about_password(error),
            "terms_url": conf.terms_url,
            "privacy_url": conf.privacy_url,
        }
        return show(self.request, "bind.html", context, error=error)

    def act(self) -> HttpResponse:
        action = self.request.POST.get("action", "bind")
        if action not in ACTS:
            return self.show()
        kind, noted, act = ACTS[action]
        audit.note(self.request, action=noted)
        form = kind(self.request.POST)
        try:
            if not form.is_valid():
                raise Invalid({name: [str(text) for text in texts] for name, texts in form.errors.items()})
            audit.note(self.request, mobile=form.cleaned_data["mobile"])
            with foreseen():
                return act(self, form)
        except PhonebindError as error:
            return self._refuse(form, error)

    def human_check(self, form: forms.Form) -> HttpResponse:
        """For the script alone: no form can do what it asks for."""
        asked = human.issue(**form.cleaned_data, address=limits.client_address(self.request))
        audit.note(self.request, outcome="asked")
        return JsonResponse(asked)

    def send_code(self, form: forms.Form) -> HttpResponse:
        given = form.cleaned_data
        answers = human.Answers(
            image_code_id=str(given["image_code_id"] or ""),
            text=given["text"],
            human_check=given["human_check"],
            without_image=given["without_image"],
        )
        sent = human.send_code(self.request, given["mobile"], answers, holder=self.ticket.identity.key)
        if not wants_json(self.request):
            return self.show(form, sent=given["mobile"], receipt=sent.receipt)
        return JsonResponse(sent.body)

    def receipt(self, form: forms.Form) -> HttpResponse:
        news = sms_receipts.news(form.cleaned_data["receipt"], limits.client_address(self.request))
        audit.note(self.request, outcome=news.state)
        return JsonResponse(news.body) if wants_json(self.request) else self.show(news=news.message)

    def bind(self, form: forms.Form) -> HttpResponse:
        identity, given = self.ticket.identity, form.cleaned_data
        address = limits.client_address(self.request)
        mobile = sms_codes.check(given["mobile"], given["sms_code"], claimant=identity.key, address=address)
        # The page cannot ask about the account's other identity: where nobody has set that it should, one is added.
        choice = "add" if conf.second_identity == "both" else ""
        account = binding.bind(self.request, identity, mobile, given["password"], choice)
        target = self.ticket.next
        sessions.start(self.request, account, self.flow, target)
        response = JsonResponse({"location": target}) if wants_json(self.request) else SeeOther(target)
        tickets.drop(self.request, response, self.flow)
        binding.respond(self.request, response, account.user, account)
        return response

    def _refuse(self, form: forms.Form, error: PhonebindError) -> HttpResponse:
        """Beside the field to blame, or above the form where it is none of them."""
        audit.refused(self.request, error)
        body = _explained(error)
        if wants_json(self.request):
            return refuse_json(error, body)
        if not form.errors:
            for field, messages in body.get("errors", {None: [body["message"]]}).items():
                form.add_error(field if field in form.fields else None, [str(message) for message in messages])
        faulty = [field for name, field in form.fields.items() if name in form.errors]
        if faulty:
            faulty[0].widget.attrs["autofocus"] = True
        return self.show(form, error=error)


#: By ``action``: what it takes, what the audit trail calls it, and what it does.
ACTS: Mapping[str, tuple[type[forms.Form], str, Callable[[_FormPage, forms.Form], HttpResponse]]] = {
    "human_check": (HumanCheckForm, "human_check", _FormPage.human_check),
    "send_code": (SmsCodeForm, "sms_code", _FormPage.send_code),
    "receipt": (ReceiptForm, "sms_receipt", _FormPage.receipt),
    "bind": (BindForm, "bind", _FormPage.bind),
}
