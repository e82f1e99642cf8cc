"""Unbind an identity, and bind another one."""

from typing import Any, ClassVar

from django import forms
from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from phonebind import oauth
from phonebind.lifecycle import identities, intents, sessions
from phonebind.lifecycle.exceptions import NotFound
from phonebind.lifecycle.identities import Entry
from phonebind.lifecycle.pages import visitors
from phonebind.lifecycle.pages.forms import UnbindForm
from phonebind.lifecycle.pages.step_up import ActPage, leave_for
from phonebind.lifecycle.pages.visitors import mine
from phonebind.lifecycle.people import Person
from phonebind.pages.answers import SeeOther
from phonebind.pages.code_pages import Act
from phonebind.pages.targets import login_url

#: Session key: the identity that was unbound last.
_GONE = "phonebind_unbound"


@mine("identity", "GET", "POST", asks=True)
def identity(request: HttpRequest, person: Person, identity_id: int) -> HttpResponse:
    """GET asks. POST unbinds."""
    entry = next((each for each in identities.of(person.user) if identity_id in each.rows), None)
    if entry is None:
        if request.method == "POST" and request.session.get(_GONE) == identity_id:
            # A second click after the first one succeeded.
            return SeeOther(visitors.home())
        raise NotFound
    if request.method == "GET" and not entry.removable:
        return visitors.show(request, person, "last_way_in.html", {"entry": entry})
    return _UnbindPage(request, person, entry).answer()


class _UnbindPage(ActPage):
    template = "my_identity.html"
    main = "unbind"

    def __init__(self, request: HttpRequest, person: Person, entry: Entry) -> None:
        super().__init__(request, person)
        self.entry = entry

    def context(self) -> dict[str, Any]:
        begun = sessions.of(self.person.user.pk).filter(social_account__in=list(self.entry.rows))
        here = begun.filter(pk=self.person.sid).exists()
        others = begun.count() - here
        elsewhere = ngettext(
            "%(count)s other device that was signed in with %(provider)s is signed out.",
            "%(count)s other devices that were signed in with %(provider)s are signed out.",
            others,
        ) % {"count": others, "provider": self.entry.label}
        return {
            **super().context(),
            "entry": self.entry,
            "here": here,
            "elsewhere": elsewhere if others else "",
            "devices": sessions.of(self.person.user.pk).exclude(pk=self.person.sid).exists(),
        }

    def _unbind(self, form: forms.Form) -> HttpResponse:
        self.require()
        everywhere = form.cleaned_data["everywhere"]
        identities.unbind(self.request, self.person, self.entry.id, everywhere=everywhere)
        told, target = _("%(provider)s is unbound.") % {"provider": self.entry.label}, visitors.home()
        session = self.person.session()
        if session is None or session.ended_at is not None:
            # The session began with this identity, and ended with it.
            auth.logout(self.request)
            visitors.tell(self.request, told, signed_out=self.person)
            return self.leave(login_url(target))
        self.request.session[_GONE] = self.entry.id
        visitors.tell(self.request, told)
        return self.leave(target)

    acts: ClassVar = {"unbind": Act(UnbindForm, "identity", _unbind)}


@mine("authorize", "GET", "POST", asks=True)
def binding(request: HttpRequest, person: Person, provider: str) -> HttpResponse:
    """The page with the link to the provider.

    A link on another site leads only to this page, not to the provider. Otherwise that site could make its visitors
    bind an identity: theirs, or the attacker's.
    """
    return _BindingPage(request, person, oauth.web(provider)).answer()


class _BindingPage(ActPage):
    main = ""
    acts: ClassVar = {}

    def __init__(self, request: HttpRequest, person: Person, source: oauth.WebProvider) -> None:
        super().__init__(request, person)
        self.source = source

    def display(self, *args: Any, **told: Any) -> HttpResponse:
        home = visitors.home()
        return leave_for(self.request, self.person, intents.BIND, self.source, home, "my_binding.html")
