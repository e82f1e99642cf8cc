"""Sign-in with an SMS code, to an existing account. If the site allows it, also to a new account."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from phonebind import human
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, ProviderUnknown
from phonebind.lifecycle import flows, ownership, ways
from phonebind.lifecycle.exceptions import AccountUnknown, MobileTaken
from phonebind.lifecycle.pages.way_forms import EnterForm
from phonebind.lifecycle.pages.ways import WayPage, in_words
from phonebind.pages.answers import page
from phonebind.pages.code_pages import Act
from phonebind.sms_codes import Sent

NEW = "new_account.html"


# A code belongs to this browser, so a form of another site has none. Django's token changes with every sign-in, and
# would then refuse the form in another tab.
@csrf_exempt
@page("sms_sign_in", "GET", "POST", asks=True)
def by_sms(request: HttpRequest) -> HttpResponse:
    if not (conf.sms_sign_in or conf.sms_sign_up):
        raise ProviderUnknown
    return _SmsPage(request).answer()


class _SmsPage(WayPage):
    template = "by_sms.html"
    main = "enter"

    def context(self) -> dict[str, Any]:
        return super().context() | {"kept": self.kept(), "signs_up": conf.sms_sign_up}

    def send(self, mobile: str, answers: human.Answers) -> Sent:
        holder = flows.of_browser(self.request)
        is_known = ownership.knows(self.request, mobile)
        return human.send_code(self.request, mobile, answers, holder=holder, purpose=flows.PURPOSE, reserved=is_known)

    def refuse(self, form: forms.Form, error: PhonebindError, *, screen: str = "") -> HttpResponse:
        if isinstance(form, EnterForm) and form.errors and set(form.errors) <= set(form.boxes):
            screen = NEW
        elif isinstance(error, AccountUnknown):
            in_words(error, _("No account has this number yet. First sign in another way: that creates one."))
        elif isinstance(error, MobileTaken):
            in_words(error, _("An account has this number already. Please sign in to it another way."))
        return super().refuse(form, error, screen=screen)

    def kept(self, *besides: str) -> list[tuple[str, str]]:
        # For a box that is on the page, its current state counts.
        return super().kept(*besides, "terms", "privacy", "action")

    def _enter(self, form: EnterForm) -> HttpResponse:
        given = form.cleaned_data
        agreed = all(given[name] for name in form.boxes)
        holder = flows.of_browser(self.request)
        user, _made = ways.enter(self.request, given["mobile"], given["sms_code"], holder, agreed=agreed)
        return self.enter(user)

    acts: ClassVar = {
        **WayPage.CODES,
        "enter": Act(EnterForm, "sms_sign_in", _enter),
        "register": Act(EnterForm, "sms_sign_in", _enter),
    }
