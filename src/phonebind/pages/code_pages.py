"""Base class of the pages that send and check an SMS code. The page is a plain form. Its script gets the same
responses as JSON.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from phonebind import audit, human, life, limits, sms_codes, sms_receipts
from phonebind.conf import conf
from phonebind.exceptions import Invalid, PasswordWrong, PhonebindError, TooManyAttempts
from phonebind.oauth import Identity
from phonebind.pages.answers import SeeOther, foreseen, refuse_json, show, wants_json
from phonebind.pages.forms import HumanCheckForm, ReceiptForm, SmsCodeForm
from phonebind.sms import registry
from phonebind.sms_codes import Sent

#: Fields that are not copied to the next page: answers that can be used once, and secrets.
_NOT_KEPT = frozenset({"image_code_id", "text", "human_check", "without_image", "password"})


@dataclass(frozen=True, slots=True)
class Act:
    """What a button of the form does. ``noted`` is the action in the audit trail."""

    form: type[forms.Form]
    noted: str
    do: Callable[[Any, Any], HttpResponse]


class CodePage(ABC):
    """One request for a page with an SMS code.

    A subclass sets ``template``, ``main`` and ``acts``. It defines ``send`` if its buttons send a code.
    """

    template: str
    #: The number that codes are sent to, masked, if the page knows it and the person does not type it.
    own: str = ""
    #: On a bind page: the identity to bind, and a proof of the mobile number that replaces a code.
    identity: Identity | None = None
    proof: str = ""
    _settled = False
    #: The ``action`` of the main button, and of a form without ``action``.
    main: str
    acts: ClassVar[Mapping[str, Act]]
    #: Sends a code to a mobile number. Raises the same errors as ``human.send_code``. Only pages with such a button
    #: need it.
    send: Callable[[str, human.Answers], Sent]

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @abstractmethod
    def context(self) -> dict[str, Any]:
        """The context of this page, besides the context that all pages have."""

    def answer(self) -> HttpResponse:
        """GET shows the page. POST runs an act: ``action`` is a key of ``acts``, or "image" to get another image."""
        return self.act() if self.request.method == "POST" else self.show()

    def show(
        self, form: forms.Form | None = None, *, error: PhonebindError | None = None, screen: str = "", **told: Any
    ) -> HttpResponse:
        """Render the page. It keeps all typed values except passwords and the used image code.

        ``told`` is for the template: ``sent`` is the number that a code was sent to, ``receipt`` is the id for the
        receipt of that SMS, ``news`` is its state. ``screen``: another template, which asks for what the ``error``
        needs.
        """
        typed = self.request.POST.dict()

        def blank(action: str) -> forms.Form:
            kind = self.acts[action].form
            return form if form and isinstance(form, kind) else kind(initial=typed)

        send_code, act = (blank(name) if name in self.acts else None for name in ("send_code", self.main))
        if send_code and told.get("sent"):
            send_code["text"].help_text = _("Only needed for another code.")
        context = {
            "action": self.main,
            "own": self.own,
            "send_code": send_code,
            "form": act,
            "active": form or act,
            "image_code_id": uuid4(),
            "minutes": sms_codes.EXPIRES_IN // 60,
            "human": human.mode(),
            "receipts": registry.brings_receipts(),
            "receipt": typed.get("receipt", ""),
            "password_reset_url": conf.password_reset_url,
            **self.context(),
            **told,
        }
        return show(self.request, screen or self.template, context, error=error)

    def act(self) -> HttpResponse:
        action = self.request.POST.get("action", self.main)
        if action not in self.acts:
            return self.show()
        act = self.acts[action]
        audit.note(self.request, action=act.noted)
        form = act.form(self.request.POST)
        try:
            if not form.is_valid():
                raise Invalid({name: [str(text) for text in texts] for name, texts in form.errors.items()})
            if "mobile" in form.cleaned_data:
                audit.note(self.request, mobile=form.cleaned_data["mobile"])
            with foreseen():
                return self._settle_owner() or act.do(self, form)
        except PhonebindError as error:
            return self.refuse(form, error)

    def leave(self, target: str) -> HttpResponse:
        """Finish, and redirect to ``target``."""
        return JsonResponse({"location": target}) if wants_json(self.request) else SeeOther(target)

    def refuse(self, form: forms.Form, error: PhonebindError, *, screen: str = "") -> HttpResponse:
        """Show the error beside its field, or above the form if it belongs to no field.

        ``screen``: another template that shows the error, if the page of this form cannot.
        """
        audit.refused(self.request, error)
        body = _explained(error)
        question = self._question(error)
        if wants_json(self.request):
            # The script sends the form again as a normal request, to get a page.
            return refuse_json(error, body | {"screen": True} if question or screen else body)
        is_wrong = _is_about_password(error)
        if question and not is_wrong:
            return self.show(form, error=error, screen=question, kept=self.kept(), **_shown(error.facts))
        if not form.errors:
            for field, messages in body.get("errors", {None: [body["message"]]}).items():
                form.add_error(field if field in form.fields else None, [str(message) for message in messages])
        if question:
            return self.show(form, error=error, screen=question, kept=self.kept(), methods=["password"])
        faulty = [field for name, field in form.fields.items() if name in form.errors]
        if faulty:
            faulty[0].widget.attrs["autofocus"] = True
        return self.show(form, error=error, screen=screen)

    def _question(self, error: PhonebindError) -> str:
        """The template that asks for what the error needs; "" if there is none."""
        if not life.installed:
            return ""
        typed = self.request.POST
        if error.code == "insufficient_user_authentication" or _is_about_password(error):
            # Here the answer itself needs more proof than the number. On other pages, the page asks for it.
            needs_more = typed.get("question") or typed.get("second_identity") == "replace"
            return "second_way.html" if needs_more and self.identity else ""
        return life.installed.screen(error)

    def _settle_owner(self) -> HttpResponse | None:
        """Process the answer to the question whether the account is the person's own.

        Returns None to go on with the act. Returns a page if the answer made the code void, because the person then
        needs another code.
        """
        typed = self.request.POST
        choice = typed.get("owner", "")
        # A person who pressed neither button is asked again.
        if not (life.installed and typed.get("question") and choice in ("mine", "not_mine")):
            return None
        proof = life.installed.answer_owner(
            self.request, typed["question"], choice, typed.get("password") or None, self.identity
        )
        self._settled = True
        if proof:
            self.proof = proof
        elif choice == "not_mine":
            audit.note(self.request, outcome=choice)
            # The code in the form is void.
            form = self.acts[self.main].form(initial={**typed.dict(), "sms_code": ""})
            return self.show(form, notice=_("The number is free for you now. Please ask for another code."))
        return None

    def kept(self, *besides: str) -> list[tuple[str, str]]:
        """Names and values of the typed fields, for a page that asks for more. Secrets and ``besides`` are left out."""
        typed = self.request.POST
        left_out = {*_NOT_KEPT, *besides, "mobile_proof"} | ({"question", "owner"} if self._settled else set())
        kept = [(name, value) for name in typed if name not in left_out for value in typed.getlist(name)]
        return [*kept, ("mobile_proof", self.proof)] if self.proof else kept

    def _human_check(self, form: forms.Form) -> HttpResponse:
        """For the script only. A form without a script cannot solve the task."""
        given = form.cleaned_data
        asked = human.issue(
            mobile=self.mobile(given),
            without_image=given["without_image"],
            address=limits.client_address(self.request),
        )
        audit.note(self.request, outcome="asked")
        return JsonResponse(asked)

    def _send_code(self, form: forms.Form) -> HttpResponse:
        given = form.cleaned_data
        answers = human.Answers(
            image_code_id=str(given["image_code_id"] or ""),
            text=given["text"],
            human_check=given["human_check"],
            without_image=given["without_image"],
        )
        mobile = self.mobile(given)
        sent = self.send(mobile, answers)
        if not wants_json(self.request):
            return self.show(form, sent=self.own or f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}", receipt=sent.receipt)
        return JsonResponse(sent.body)

    def _receipt(self, form: forms.Form) -> HttpResponse:
        news = sms_receipts.news(form.cleaned_data["receipt"], limits.client_address(self.request))
        audit.note(self.request, outcome=news.state)
        return JsonResponse(news.body) if wants_json(self.request) else self.show(news=news.message)

    def mobile(self, given: Mapping[str, Any]) -> str:
        """The whole number that a code is sent to. On most pages the person types it."""
        return str(given["mobile"])

    #: The acts that send a code and report on it.
    CODES: ClassVar[Mapping[str, Act]] = {
        "human_check": Act(HumanCheckForm, "human_check", _human_check),
        "send_code": Act(SmsCodeForm, "sms_code", _send_code),
        "receipt": Act(ReceiptForm, "sms_receipt", _receipt),
    }


def _is_about_password(error: PhonebindError | None) -> bool:
    """Whether the password was wrong, or was wrong too often."""
    locked = isinstance(error, TooManyAttempts) and error.limit.startswith("password_")
    return locked or isinstance(error, PasswordWrong)


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The error's facts. The month in the hint, such as "2026-11", is formatted in the person's language."""
    hint = facts.get("hint") or {}
    if not hint.get("last_used"):
        return dict(facts)
    month = datetime.strptime(hint["last_used"], "%Y-%m").date()  # noqa: DTZ007 - a month is at no time
    return {**facts, "hint": {**hint, "last_used": formats.date_format(month, "YEAR_MONTH_FORMAT")}}


def _explained(error: PhonebindError) -> dict[str, Any]:
    """The error's body. After too many attempts, the message says how many minutes to wait. An app reads
    ``retry_after`` instead.
    """
    if not isinstance(error, TooManyAttempts):
        return error.body
    minutes = math.ceil((error.retry_after or 0) / 60)
    message = ngettext(
        "Too many wrong attempts. Please try again in %(minutes)s minute.",
        "Too many wrong attempts. Please try again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
    errors = {"errors": {error.field or "password": [message]}} if _is_about_password(error) else {}
    return {**error.body, "message": message, **errors}
