"""A browser without a network, and what an attacker without our key can make of its tokens."""

from dataclasses import replace
from http.cookies import SimpleCookie

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from phonebind import oauth, states, tickets
from phonebind.oauth import Identity, WebProvider
from phonebind.oauth.qq import QQ
from phonebind.states import Started, State
from phonebind.tickets import Ticket
from tests.support.edge import OPENID

IDENTITY = Identity("qq", "101000001", OPENID, nickname="小明")


class Tabs:
    """One browser. It keeps cookies as browsers do: it sends the oldest first, and a cookie that is set again keeps its
    place.
    """

    def __init__(self, *, secure: bool = False) -> None:
        self.cookies: dict[str, str] = {}
        self.secure = secure

    def request(self) -> HttpRequest:
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return RequestFactory().get("/", secure=self.secure, headers={"Cookie": header})

    def take(self, response: HttpResponse) -> SimpleCookie:
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return response.cookies

    def start(self, next_url: str = "/cart.html", by: WebProvider | None = None, intent: str = "") -> str:
        started = states.start(self.request(), by or provider(), next_url, intent)
        self.remember(started)
        return started.state

    def remember(self, started: Started) -> SimpleCookie:
        response = HttpResponse()
        states.remember(self.request(), response, started)
        return self.take(response)

    def ticket(self, identity: Identity = IDENTITY) -> str:
        ticket, cookie = tickets.issue(self.request(), identity, "/cart.html")
        response = HttpResponse()
        tickets.remember(self.request(), response, cookie)
        self.take(response)
        return ticket

    def forget(self, state: State) -> SimpleCookie:
        response = HttpResponse()
        states.forget(self.request(), response, state)
        return self.take(response)

    def keep(self, state: State, ticket: str) -> None:
        response = HttpResponse()
        tickets.keep(self.request(), response, state.id, ticket)
        self.take(response)

    def renew(self, flow: str, ticket: Ticket, proved: str = "") -> str:
        response = HttpResponse()
        text = tickets.renew(self.request(), response, flow, ticket, proved=proved)
        self.take(response)
        return text

    def read_state(self, state: str, by: WebProvider | None = None, intent: str = "") -> State:
        return states.read(self.request(), by or provider(), state, intent)

    def read(self, ticket: str) -> Ticket:
        return tickets.read(self.request(), provider(), ticket)


class Other(QQ):
    """Another provider that happens to have given us the same app id."""

    kind = family = "other"


class Secretive(QQ):
    """It is asked with a secret."""

    uses_secret = True


def provider() -> WebProvider:
    return oauth.web("qq")


def other_provider() -> WebProvider:
    return Other(provider().settings)


def other_app() -> WebProvider:
    return QQ(replace(provider().settings, client_id="101000002"))


def secretive() -> WebProvider:
    return Secretive(provider().settings)


def forged(token: str, salt: str, other_salt: str) -> list[str]:
    """What an attacker without our key can make of it."""
    payload, stamp, signature = token.rsplit(":", 2)
    later = signing.b62_encode(signing.b62_decode(stamp) + 100)
    content = signing.loads(token, salt=salt)
    return [
        "",
        ":",
        "::",
        "a.b.c",
        "null",
        payload,
        f"{payload}:{stamp}",
        f"{payload}:{stamp}:",
        f"{payload}:{later}:{signature}",
        f"{payload}:{stamp}:{signature[:-1]}",
        f"{payload[:-1]}:{stamp}:{signature}",
        f"x{token}",
        f"{token} ",
        f"{token}\n",
        f"{token}\x00",
        token.upper(),
        "．" + token,
        "\ud800",
        signing.dumps(content, salt=other_salt),
        signing.dumps(content),
        signing.dumps(content, key="another", salt=salt),
    ]
