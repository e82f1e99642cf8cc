"""The overview of the person's account."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from phonebind import accounts, audit, masking, mobiles, oauth
from phonebind.lifecycle import identities, numbers, sessions
from phonebind.lifecycle.identities import Entry
from phonebind.lifecycle.models import Session
from phonebind.lifecycle.pages import user_agents, visitors
from phonebind.lifecycle.pages.visitors import mine
from phonebind.lifecycle.people import Person
from phonebind.pages.answers import marks


@mine("account", "GET", "HEAD")
def account(request: HttpRequest, person: Person) -> HttpResponse:
    user, mobile = person.user, accounts.mobile_of(person.user)
    entries = identities.of(user)
    found = sessions.of(user.pk).order_by("-last_seen_at")
    change = numbers.pending(user.pk)
    context = {
        "username": _username(user, mobile),
        "mobile": masking.mobile(mobile),
        "change": change and {"mobile": masking.mobile(change.mobile), "due_at": change.due_at},
        "has_password": accounts.has_password(user),
        "entries": [{"entry": entry, "mark": marks(entry.provider)} for entry in entries],
        "ways": _unbound(request, entries),
        "devices": sorted((_device(each, person.sid) for each in found), key=lambda each: not each["current"]),
        "sid": person.sid,
    }
    audit.note(request, outcome="shown")
    return visitors.show(request, person, "account.html", context)


def _username(user: Any, mobile: str) -> str:
    """The username; "" if it is only the mobile number again."""
    name = str(user.get_username() or "")
    return "" if mobiles.is_mobile(mobiles.clean(name)) or (mobile and name.startswith(mobile)) else name


def _unbound(request: HttpRequest, entries: list[Entry]) -> list[dict[str, Any]]:
    """Providers that work in this browser and are not bound yet. Providers with the same label are shown once."""
    names = {str(entry.label) for entry in entries}
    found: list[dict[str, Any]] = []
    for way in oauth.ways(request.headers.get("User-Agent", "")):
        if str(way.label) not in names:
            names.add(str(way.label))
            found.append({"name": way.name, "label": way.label, "mark": marks(way.family)})
    return found


def _device(session: Session, own: str) -> dict[str, Any]:
    return {
        "id": session.pk,
        "current": str(session.pk) == own,
        "name": user_agents.name(session.user_agent),
        "by": oauth.label(session.provider) if session.provider else "",
        "method": session.method,
        "since": session.created_at,
        # The last use of a browser session is not stored: loading a page writes nothing.
        "seen_at": session.last_seen_at if session.seq else None,
    }
