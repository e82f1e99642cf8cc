"""That it is still them, before an act: asked for at the act's own address, and shown to ``lifecycle.step_up``.

What they have shown is kept in Django's session, and serves for whatever they do in the next ten minutes.
"""

from collections.abc import Collection
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from phonebind import accounts, audit, human, masking, oauth, origins, states, tickets
from phonebind.conf import conf
from phonebind.exceptions import PhonebindError, Text, TokenInvalid
from phonebind.lifecycle import identities, intents, people, step_up, verifications
from phonebind.lifecycle.exceptions import AuthenticationInsufficient
from phonebind.lifecycle.pages import visitors
from phonebind.lifecycle.pages.forms import (
    OwnCodeForm,
    OwnHumanCheckForm,
    OwnPasswordForm,
    OwnReceiptForm,
    OwnSmsCodeForm,
)
from phonebind.lifecycle.pages.visitors import mine
from phonebind.lifecycle.people import Person
from phonebind.pages.answers import SeeOther, wants_json
from phonebind.pages.code_pages import Act, CodePage
from phonebind.pages.targets import next_url
from phonebind.pages.widgets import show_widget
from phonebind.sms_codes import Sent

_PROOF = "phonebind_verification"


def keep(request: HttpRequest, proof: str) -> None:
    """What ``verifications`` has given."""
    request.session[_PROOF] = proof
    audit.note(request, outcome="proved")


def require(request: HttpRequest, person: Person, *methods: str) -> str:
    """As ``step_up.require``, by what is kept."""
    return step_up.require(person, request.session.get(_PROOF, ""), *methods)


def is_confirmed(request: HttpRequest) -> bool:
    """As ``phonebind.life.Life.is_confirmed``."""
    try:
        require(request, people.of_page(request))
    except (AuthenticationInsufficient, TokenInvalid):
        # Of a session that is none of ours yet: the page that asks makes one of it.
        return False
    return True


def confirm(request: HttpRequest) -> HttpResponse:
    """As ``phonebind.life.Life.confirm``."""
    try:
        visitors.home()
    except NoReverseMatch:
        raise step_up.insufficient(people.of_page(request)) from None

    def ask(person: Person) -> HttpResponse:
        try:
            require(request, person)
        except AuthenticationInsufficient as error:
            return StepUp(request, person, error.facts["methods"], "").answer()
        return SeeOther(request.path)

    return visitors.attend(request, ask)


class OwnPage(CodePage):
    """A form of somebody who is signed in."""

    def __init__(self, request: HttpRequest, person: Person) -> None:
        super().__init__(request)
        self.person = person

    def context(self) -> dict[str, Any]:
        return visitors.own(self.request, self.person)

    def refuse(self, form: forms.Form, error: PhonebindError, *, screen: str = "") -> HttpResponse:
        if not wants_json(self.request):
            if isinstance(error, TokenInvalid):
                return visitors.sign_in_first(self.request, error)
            if isinstance(error, AuthenticationInsufficient):
                # This page says best what is asked for.
                audit.refused(self.request, error)
                return SeeOther(self.request.path)
        return super().refuse(form, error, screen=screen)


class ActPage(OwnPage):
    """A page of an act that takes a step-up: first that is asked for, and then the page is shown. The act asks for it
    itself, by ``require``.
    """

    #: The methods that it takes.
    methods: Collection[str] = step_up.METHODS
    #: The address of the same for who cannot show it so.
    otherwise = ""

    def require(self) -> str:
        """Raises AuthenticationInsufficient, TokenInvalid."""
        return require(self.request, self.person, *self.methods)

    def answer(self) -> HttpResponse:
        if "step" not in self.request.POST:
            return super().answer()
        try:
            self.require()
        except AuthenticationInsufficient as error:
            return self._ask(error)
        # Confirmed meanwhile, in another tab perhaps.
        return self.leave(self.request.path)

    def show(self, form: forms.Form | None = None, *, error: PhonebindError | None = None, **told: Any) -> HttpResponse:
        """Whatever has led here, an action that there is not too: nothing of the act before the step-up."""
        try:
            self.require()
        except AuthenticationInsufficient as insufficient:
            is_post = self.request.method == "POST"
            return SeeOther(self.request.path) if is_post else self._ask(insufficient)
        return self.display(form, error=error, **told)

    def display(self, form: forms.Form | None, *, error: PhonebindError | None, **told: Any) -> HttpResponse:
        """The page of the act."""
        return super().show(form, error=error, **told)

    def _ask(self, error: AuthenticationInsufficient) -> HttpResponse:
        return StepUp(self.request, self.person, error.facts["methods"], self.otherwise).answer()


class StepUp(OwnPage):
    """By SMS or by the password in the form, as ``?by=`` says, and by links to the providers."""

    def __init__(self, request: HttpRequest, person: Person, methods: Collection[str], otherwise: str) -> None:
        super().__init__(request, person)
        self.methods = methods
        self.otherwise = otherwise
        typed = [name for name in methods if name in ("sms", "password")]
        wanted = request.POST.get("step") or request.GET.get("by", "")
        self.main = wanted if wanted in typed else next(iter(typed), "")
        self.others = [name for name in typed if name != self.main]
        if self.main == "sms":
            self.own = masking.mobile(accounts.mobile_of(person.user))

    @property
    def template(self) -> str:  # type: ignore[override]
        return "step_up.html" if self.main else "step_up_elsewhere.html"

    def context(self) -> dict[str, Any]:
        here = self.request.path
        ways = self._ways() if "provider" in self.methods else []
        return {
            **super().context(),
            "by": self.main,
            "others": self.others,
            "ways": [
                {"label": way.label, "url": f"{reverse('phonebind_account:my_verification', args=[way.name])}?{query}"}
                for way in ways
                if (query := urlencode({"next": here}))
            ],
            "stuck": "" if self.main or ways else self._stuck(),
            "here": here,
            "lost": self.otherwise,
        }

    def send(self, mobile: str, answers: human.Answers) -> Sent:
        return verifications.send_code(self.request, self.person, "verify", mobile, answers)

    def mobile(self, given: Any) -> str:
        return verifications.own_mobile(self.person)

    def _ways(self) -> list[oauth.WebProvider]:
        """Of what is bound, those that work in this browser."""
        bound = {str(entry.label) for entry in identities.of(self.person.user)}
        return [way for way in oauth.ways(self.request.headers.get("User-Agent", "")) if str(way.label) in bound]

    def _stuck(self) -> Text:
        """What to do where nothing can be shown in this browser. To sign out would only lose what they still have."""
        if "provider" in self.methods:
            names = dict.fromkeys(str(each.label) for each in identities.of(self.person.user))
            return _(
                "To go on, open this page where you can sign in with %(providers)s: in its app, or another browser."
            ) % {"providers": ", ".join(names)}
        if step_up.is_doubtful(self.person):
            return AuthenticationInsufficient(conf.step_up_max_age, []).message
        return _("There is no other way to confirm that it is you. Please contact us, and stay signed in until then.")

    def _by_sms(self, form: forms.Form) -> HttpResponse:
        return self._proved(verifications.by_sms(self.request, self.person, form.cleaned_data["sms_code"]))

    def _by_password(self, form: forms.Form) -> HttpResponse:
        return self._proved(verifications.by_password(self.request, self.person, form.cleaned_data["password"]))

    def _proved(self, proof: str) -> HttpResponse:
        keep(self.request, proof)
        return self.leave(self.request.path)

    acts: ClassVar = {
        "human_check": Act(OwnHumanCheckForm, "human_check", CodePage._human_check),
        "send_code": Act(OwnSmsCodeForm, "sms_code", CodePage._send_code),
        "receipt": Act(OwnReceiptForm, "sms_receipt", CodePage._receipt),
        "sms": Act(OwnCodeForm, "verification", _by_sms),
        "password": Act(OwnPasswordForm, "verification", _by_password),
    }


@mine("authorize", "GET")
def provider(request: HttpRequest, person: Person, provider: str) -> HttpResponse:
    """Off to the provider, to come back to ``?next=``. Nobody is sent there by a page of another site."""
    source, target = oauth.web(provider), next_url(request, visitors.home())
    if origins.is_foreign(request):
        return SeeOther(visitors.home())
    return leave_for(request, person, intents.VERIFY, source, target)


def leave_for(
    request: HttpRequest, person: Person, intent: str, source: oauth.WebProvider, target: str, template: str = ""
) -> HttpResponse:
    """To the provider, or to the page of its widget; with a ``template``, to one whose link leads there."""
    started = intents.start(request, person, intent, source, target)
    audit.note(request, outcome="started")
    url = source.login_url(started.state, secret=started.secret, user_agent=request.headers.get("User-Agent", ""))
    response: HttpResponse
    if widget := source.widget(started.state):
        response = show_widget(request, source, widget, url)
    elif template:
        response = visitors.show(request, person, template, {"provider": source.label, "url": url})
    else:
        response = SeeOther(url)
    states.remember(request, response, started)
    tickets.make_room(request, response, started.weight)
    return response
