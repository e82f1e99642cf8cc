"""Sign out: on this device, on another device, or on all other devices."""

from uuid import UUID

from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from phonebind import audit, browser, databases
from phonebind.lifecycle import endings, people
from phonebind.lifecycle.exceptions import NotFound
from phonebind.lifecycle.models import Session
from phonebind.lifecycle.pages import visitors
from phonebind.lifecycle.pages.visitors import mine
from phonebind.lifecycle.people import Person
from phonebind.pages.answers import SeeOther
from phonebind.pages.targets import signed_out_url


@mine("sessions", "POST")
def others(request: HttpRequest, person: Person) -> HttpResponse:
    people.sign_out_others(person)
    audit.note(request, outcome="ended")
    visitors.tell(request, _("All other devices are signed out."))
    return SeeOther(visitors.home())


@mine("session", "POST")
def session(request: HttpRequest, person: Person, session_id: UUID) -> HttpResponse:
    if str(session_id) == person.sid:
        return sign_out(request, signed_out_url())
    # A session that has ended is still in the list of the person: a second click finds it.
    rows = Session.objects.using(databases.primary(Session))
    found = rows.filter(pk=session_id, user=person.user.pk)
    if not found.exists():
        raise NotFound
    endings.end(found, "revoked")
    audit.note(request, outcome="ended")
    visitors.tell(request, _("That device is signed out."))
    return SeeOther(visitors.home())


def sign_out(request: HttpRequest, target: str) -> HttpResponse:
    audit.note(request, outcome="signed_out")
    auth.logout(request)
    response = SeeOther(target)
    browser.forget_all(request, response)
    return response
