"""Change the person's mobile number, at once or after a delay."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from phonebind import accounts, audit, human, masking
from phonebind.conf import conf
from phonebind.lifecycle import numbers, step_up, verifications
from phonebind.lifecycle.exceptions import MobileChangePending
from phonebind.lifecycle.pages import visitors
from phonebind.lifecycle.pages.forms import MobileForm
from phonebind.lifecycle.pages.step_up import ActPage
from phonebind.lifecycle.pages.visitors import mine
from phonebind.lifecycle.people import Person
from phonebind.pages.answers import SeeOther
from phonebind.pages.code_pages import Act, CodePage
from phonebind.sms_codes import Sent
from phonebind.verified import VerifiedMobile


@mine("own_mobile", "GET", "POST", asks=True)
def mobile(request: HttpRequest, person: Person) -> HttpResponse:
    """Change at once: with an SMS to the old number, or with another proof if there is no old number."""
    if accounts.mobile_of(person.user) and "sms" not in step_up.available(person):
        # Another person may have the number by now.
        return SeeOther(reverse("phonebind_account:my_lost_mobile"))
    return _MobilePage(request, person).answer()


@mine("own_mobile", "GET", "POST", asks=True)
def lost(request: HttpRequest, person: Person) -> HttpResponse:
    """Change without the old number: after a delay. Until then, a person who still has the old number can cancel the
    change.
    """
    if not accounts.mobile_of(person.user):
        return SeeOther(reverse("phonebind_account:my_mobile"))
    waiting = numbers.pending(person.user.pk)
    if waiting and request.method == "GET":
        visitors.tell(request, MobileChangePending.message, bad=True)
        return SeeOther(visitors.home())
    return _LostPage(request, person).answer()


@mine("own_mobile", "POST")
def cancel(request: HttpRequest, person: Person) -> HttpResponse:
    """Needs no step-up: it is enough to be signed in."""
    numbers.cancel_change(person.user.pk)
    audit.note(request, outcome="cancelled")
    visitors.tell(request, _("Your mobile number stays as it is."))
    return SeeOther(visitors.home())


class _MobilePage(ActPage):
    template = "my_mobile.html"
    main = "change"

    def __init__(self, request: HttpRequest, person: Person) -> None:
        super().__init__(request, person)
        self.old = accounts.mobile_of(person.user)
        self.methods = ("sms",) if self.old else ("password", "provider")
        self.otherwise = reverse("phonebind_account:my_lost_mobile") if self.old else ""

    def context(self) -> dict[str, Any]:
        return {**super().context(), "old": masking.mobile(self.old), "due_at": None}

    def send(self, mobile: str, answers: human.Answers) -> Sent:
        self.require()
        return verifications.send_code(self.request, self.person, "change_mobile", mobile, answers)

    def _change(self, form: forms.Form) -> HttpResponse:
        given, request = form.cleaned_data, self.request
        if given["mobile"] != self.old:
            self.require()
            self.take(verifications.new_mobile(request, self.person, given["mobile"], given["sms_code"]))
        else:
            # Probably a second click: the first one ended the step-up, and its message is already stored. Or the person
            # has typed the old number by mistake.
            audit.note(request, outcome="changed")
            if not visitors.is_told(request):
                told = _("%(mobile)s is your mobile number already.")
                visitors.tell(request, told % {"mobile": masking.mobile(self.old)})
        return self.leave(visitors.home())

    def take(self, proved: VerifiedMobile) -> None:
        numbers.change(self.person, proved, self.request)
        audit.note(self.request, outcome="changed")
        told = _("Your mobile number is %(mobile)s from now on. All other devices are signed out.")
        visitors.tell(self.request, told % {"mobile": masking.mobile(proved.number)})

    acts: ClassVar = {**CodePage.CODES, "change": Act(MobileForm, "own_mobile", _change)}


class _LostPage(_MobilePage):
    def __init__(self, request: HttpRequest, person: Person) -> None:
        super().__init__(request, person)
        self.methods, self.otherwise = ("password", "provider"), ""

    def context(self) -> dict[str, Any]:
        return {**super().context(), "due_at": timezone.now() + timedelta(seconds=conf.mobile_change_delay)}

    def take(self, proved: VerifiedMobile) -> None:
        numbers.request_change(self.person, proved, self.request)
        audit.note(self.request, outcome="pending")
