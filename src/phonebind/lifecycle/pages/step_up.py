"""Step-up: asks for a proof before an act, at the act's own URL. ``lifecycle.step_up`` checks the proof.

The proof is stored in Django's session. It is valid for all acts in the next ten minutes.
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
    """Store the proof from ``verifications``."""
    request.session[_PROOF] = proof
    audit.note(request, outcome="proved")


def require(request: HttpRequest, person: Person, *methods: str) -> str:
    """Like ``step_up.require``, with the stored proof."""
    return step_up.require(person, request.session.get(_PROOF, ""), *methods)


def is_confirmed(request: HttpRequest) -> bool:
    """Implements ``phonebind.life.Life.is_confirmed``."""
    try:
        require(request, people.of_page(request))
    except (AuthenticationInsufficient, TokenInvalid):
        # The session was not started by phonebind. The page that asks for the proof adds it to our sessions.
        return False
    return True


def confirm(request: HttpRequest) -> HttpResponse:
    """Implements ``phonebind.life.Life.confirm``."""
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
    """A form for a signed-in person."""

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
                # This page itself asks for the proof.
                audit.refused(self.request, error)
                return SeeOther(self.request.path)
        return super().refuse(form, error, screen=screen)


class ActPage(OwnPage):
    """A page of an act that needs a step-up. It first asks for the step-up, and then shows the form.

    The act itself must check the step-up, by ``require``.
    """

    #: The methods that are accepted as step-up.
    methods: Collection[str] = step_up.METHODS
    #: The URL of another page for the same act, for a person who has none of these methods.
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
        # The person has made the step-up meanwhile, perhaps in another tab.
        return self.leave(self.request.path)

    def show(self, form: forms.Form | None = None, *, error: PhonebindError | None = None, **told: Any) -> HttpResponse:
        """Show the page only after the step-up, also for an unknown action."""
        try:
            self.require()
        except AuthenticationInsufficient as insufficient:
            is_post = self.request.method == "POST"
            return SeeOther(self.request.path) if is_post else self._ask(insufficient)
        return self.display(form, error=error, **told)

    def display(self, form: forms.Form | None, *, error: PhonebindError | None, **told: Any) -> HttpResponse:
        """Render the page of the act."""
        return super().show(form, error=error, **told)

    def _ask(self, error: AuthenticationInsufficient) -> HttpResponse:
        return StepUp(self.request, self.person, error.facts["methods"], self.otherwise).answer()


class StepUp(OwnPage):
    """The page that asks for a step-up: by SMS or password in the form, as ``?by=`` says, or by links to providers."""

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
        """The bound providers that work in this browser."""
        bound = {str(entry.label) for entry in identities.of(self.person.user)}
        return [way for way in oauth.ways(self.request.headers.get("User-Agent", "")) if str(way.label) in bound]

    def _stuck(self) -> Text:
        """What to do if no method works in this browser. Signing out would only lose the current session."""
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
    """Redirect to the provider, and back to ``?next=``. A link on another site does not lead to the provider."""
    source, target = oauth.web(provider), next_url(request, visitors.home())
    if origins.is_foreign(request):
        return SeeOther(visitors.home())
    return leave_for(request, person, intents.VERIFY, source, target)


def leave_for(
    request: HttpRequest, person: Person, intent: str, source: oauth.WebProvider, target: str, template: str = ""
) -> HttpResponse:
    """Redirect to the provider, or show the page of its widget. With a ``template``: show a page with a link to the
    provider.
    """
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
