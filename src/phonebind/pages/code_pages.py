"""A page on which people ask for an SMS code and give it back: a plain form, and the same answers in JSON for its
script.
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

#: Of a form: answers that served once, and what is not to stand in a page.
_NOT_KEPT = frozenset({"image_code_id", "text", "human_check", "without_image", "password"})


@dataclass(frozen=True, slots=True)
class Act:
    """What a button of the form does. ``noted`` is what the audit trail calls it."""

    form: type[forms.Form]
    noted: str
    do: Callable[[Any, Any], HttpResponse]


class CodePage(ABC):
    """One request for such a page. Each kind of them says what is its own: the three class variables, with ``acts``
    for what its buttons do besides asking for a code, and ``send``.
    """

    template: str
    #: The number that codes go to, masked, where the page knows it and nobody types one.
    own: str = ""
    #: Of the bind that the page is about, if it is one; and what proves the mobile for it in place of a code.
    identity: Identity | None = None
    proof: str = ""
    _settled = False
    #: The ``action`` of the main button, and of a form that names none.
    main: str
    acts: ClassVar[Mapping[str, Act]]
    #: Where its buttons do: the method that sends a code to a mobile. Raises what ``human.send_code`` does.
    send: Callable[[str, human.Answers], Sent]

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @abstractmethod
    def context(self) -> dict[str, Any]:
        """What the template shows besides what all of them do."""

    def answer(self) -> HttpResponse:
        """GET shows the page; POST acts: ``action`` is a key of ``acts``, or "image", for another one."""
        return self.act() if self.request.method == "POST" else self.show()

    def show(
        self, form: forms.Form | None = None, *, error: PhonebindError | None = None, screen: str = "", **told: Any
    ) -> HttpResponse:
        """The page; everything typed is kept but passwords and the used-up image code. ``told`` is for the template:
        ``sent``, as what the number is shown that a code is on its way to, ``receipt``, what that SMS is asked for by,
        and ``news`` of it. ``screen``: another template, which asks what the ``error`` asks.
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
        """It is done: on to ``target``."""
        return JsonResponse({"location": target}) if wants_json(self.request) else SeeOther(target)

    def refuse(self, form: forms.Form, error: PhonebindError, *, screen: str = "") -> HttpResponse:
        """Beside the field to blame, or above the form where it is none of them. ``screen``: the template that says
        it, where the page that was sent cannot.
        """
        audit.refused(self.request, error)
        body = _explained(error)
        question = self._question(error)
        if wants_json(self.request):
            # Its script sends the form once more, as a page.
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
        """The template of what the error asks the person, if it does."""
        if not life.installed:
            return ""
        typed = self.request.POST
        if error.code == "insufficient_user_authentication" or _is_about_password(error):
            # An answer that takes more than the number. Elsewhere it is the page that asks for it.
            needs_more = typed.get("question") or typed.get("second_identity") == "replace"
            return "second_way.html" if needs_more and self.identity else ""
        return life.installed.screen(error)

    def _settle_owner(self) -> HttpResponse | None:
        """Who was asked whether an account is theirs has answered on the ``screen`` of that, and goes on; but for those
        whose code went with the answer, who need another one.
        """
        typed = self.request.POST
        choice = typed.get("owner", "")
        # Whoever has pressed neither button is asked again.
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
            # The one that was typed is void.
            form = self.acts[self.main].form(initial={**typed.dict(), "sms_code": ""})
            return self.show(form, notice=_("The number is free for you now. Please ask for another code."))
        return None

    def kept(self, *besides: str) -> list[tuple[str, str]]:
        """Names and values of what was typed, for a page that asks for more of the same; but for secrets, and
        ``besides``.
        """
        typed = self.request.POST
        left_out = {*_NOT_KEPT, *besides, "mobile_proof"} | ({"question", "owner"} if self._settled else set())
        kept = [(name, value) for name in typed if name not in left_out for value in typed.getlist(name)]
        return [*kept, ("mobile_proof", self.proof)] if self.proof else kept

    def _human_check(self, form: forms.Form) -> HttpResponse:
        """For the script alone: no form can do what it asks for."""
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
        """The whole number that a code goes to: the one that was typed, on most pages."""
        return str(given["mobile"])

    #: What each of them does.
    CODES: ClassVar[Mapping[str, Act]] = {
        "human_check": Act(HumanCheckForm, "human_check", _human_check),
        "send_code": Act(SmsCodeForm, "sms_code", _send_code),
        "receipt": Act(ReceiptForm, "sms_receipt", _receipt),
    }


def _is_about_password(error: PhonebindError | None) -> bool:
    """Wrong, or wrong too often."""
    locked = isinstance(error, TooManyAttempts) and error.limit.startswith("password_")
    return locked or isinstance(error, PasswordWrong)


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The error's facts, with the month in the hint, "2026-11", as people write it."""
    hint = facts.get("hint") or {}
    if not hint.get("last_used"):
        return dict(facts)
    month = datetime.strptime(hint["last_used"], "%Y-%m").date()  # noqa: DTZ007 - a month is at no time
    return {**facts, "hint": {**hint, "last_used": formats.date_format(month, "YEAR_MONTH_FORMAT")}}


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
    errors = {"errors": {error.field or "password": [message]}} if _is_about_password(error) else {}
    return {**error.body, "message": message, **errors}
