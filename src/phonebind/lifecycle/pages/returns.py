"""Return from a provider, for a signed-in person who wanted to bind an identity or to make a step-up.

The purpose is part of the state's secret. A state for a sign-in is not accepted here, nor is a state of another user or
of another session.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from phonebind import audit, states
from phonebind.exceptions import PhonebindError, TokenInvalid, Unavailable
from phonebind.lifecycle import identities, intents, people, verifications
from phonebind.lifecycle.exceptions import AuthenticationInsufficient, IdentityTaken
from phonebind.lifecycle.pages import step_up, visitors
from phonebind.lifecycle.people import Person
from phonebind.oauth import WebProvider
from phonebind.pages import sessions
from phonebind.pages.answers import SeeOther
from phonebind.states import State


def answer(request: HttpRequest, source: WebProvider, text: str, code: str) -> HttpResponse | None:
    """Implements ``phonebind.life.Life.came_back``."""
    try:
        visitors.home()
        person = people.of_page(request)
        found = intents.find(request, person, source, text)
    except (NoReverseMatch, TokenInvalid):
        return None
    if found is None:
        return None
    intent, state = found
    is_binding = intent == intents.BIND
    audit.note(request, action="identities" if is_binding else "verification", user_id=person.user.pk)
    back = _Return(request, person, source, state, {"provider": source.name, "code": code, "state": text})
    try:
        target = (back.bind if is_binding else back.verify)() if code else back.turn_back()
    except Unavailable as error:
        # The state stays valid: the code may be unused, and then a reload of this page continues.
        return visitors.problem(request, error, state.next)
    except PhonebindError as error:
        target = back.refuse(error, error.message)
    response = SeeOther(target)
    # A reload of this page redirects again.
    sessions.remember(request, state.id, target)
    states.forget(request, response, state)
    return response


@dataclass(frozen=True, slots=True)
class _Return:
    """One return from the provider. Each method returns the URL to redirect to."""

    request: HttpRequest
    person: Person
    source: WebProvider
    state: State
    callback: dict[str, str]

    def bind(self) -> str:
        try:
            # Checked before the code is used up.
            step_up.require(self.request, self.person)
        except AuthenticationInsufficient as error:
            # The step-up is too old. The person starts again with a new one.
            audit.refused(self.request, error)
            return reverse("phonebind_account:my_binding", args=[self.source.name])
        try:
            identities.bind(self.request, self.person, **self.callback)
        except IdentityTaken as error:
            told = _(
                "This %(provider)s is bound to another account, and stays there. To bind it here, sign in with it and"
                " unbind it there first."
            )
            return self.refuse(error, self._named(told))
        visitors.tell(self.request, self._named(_("%(provider)s is bound. From now on it signs you in.")))
        return self.state.next

    def verify(self) -> str:
        try:
            proof, _used = verifications.by_provider(self.request, self.person, **self.callback)
        except AuthenticationInsufficient as error:
            return self.refuse(error, self._named(_("This %(provider)s is not bound to your account.")))
        step_up.keep(self.request, proof)
        return self.state.next

    def turn_back(self) -> str:
        """The callback without a code: the person cancelled, or the provider refused us."""
        error = self.source.refusal(self.request.GET.get("error", ""))
        if isinstance(error, Unavailable):
            raise error
        told = _("%(provider)s did not confirm that it is you. Nothing was changed.")
        visitors.tell(self.request, self._named(told), bad=True)
        audit.note(self.request, outcome="cancelled")
        return self.state.next

    def refuse(self, error: PhonebindError, told: object) -> str:
        audit.refused(self.request, error)
        # Of two requests with the same code, the second is refused. The first one has already succeeded.
        if not sessions.led_to(self.request, self.state.id):
            visitors.tell(self.request, str(told), bad=True)
        return self.state.next

    def _named(self, message: str) -> str:
        return message % {"provider": self.source.label}
