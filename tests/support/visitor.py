"""A person with a browser, only its HTTP: it keeps cookies, and every step of a sign-in is one call.

>>> visitor = Visitor("http://127.0.0.1:8000")
>>> ticket = visitor.arrive(person="xiaolan").data["access_token"]
>>> visitor.bind("13800000002", "correct-horse-8", ticket=ticket).status
201
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, Request, build_opener


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whatever its status."""

    status: int
    headers: Message
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def location(self) -> str:
        """The address that a redirect leads to."""
        assert 300 <= self.status < 400, self
        return str(self.headers["Location"])


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Visitor:
    """One browser, with its own cookies, at the reference server ``site``.

    ``headers`` are sent with every request: those that a proxy in front of the site would write.
    """

    def __init__(self, site: str, language: str = "en", headers: Mapping[str, str] | None = None) -> None:
        self.site = site
        # Behind a proxy that ends TLS, requests reach the site over plain HTTP, and its cookies are secure all the
        # same.
        self.cookies = CookieJar(DefaultCookiePolicy(rfc2965=False, secure_protocols=("http", "https")))
        self._headers = {"Accept-Language": language, **(headers or {})}
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies), _NoRedirects)

    # ------------------------------------------------------------ plain HTTP

    def get(self, path: str, **query: str) -> Answer:
        """``path`` is a path of the site, or an absolute URL."""
        return self._open(Request(self._url(path, query)))

    def post(self, path: str, **fields: str) -> Answer:
        """POST the fields as JSON."""
        body = json.dumps(fields).encode()
        return self._open(Request(self._url(path), body, {"Content-Type": "application/json"}))

    def submit(self, path: str, **fields: str) -> Answer:
        """POST the fields as a form."""
        return self._open(Request(self._url(path), urlencode(fields).encode()))

    # ------------------------------------------------------------ a sign-in, step by step

    def authorize(self, next: str = "/") -> str:  # noqa: A002 - the contract's name
        """Ask the site for the provider's address."""
        return str(self.get("/oauth/qq/authorization/", next=next).data["login_url"])

    def click(self, login_url: str, person: str) -> str:
        """Choose a person on the sandbox's page. Returns the callback URL."""
        return self.submit(login_url, person=person).location

    def call_back(self, callback: str) -> Answer:
        """Pass the callback's code and state to the API, as a front end does."""
        return self.get("/oauth/qq/user/?" + callback.partition("?")[2])

    def arrive(self, person: str, next: str = "/") -> Answer:  # noqa: A002
        """All steps above. The answer has tokens for a bound person, and a bind ticket for any other."""
        return self.call_back(self.click(self.authorize(next), person))

    def sms_code(self, mobile: str) -> str:
        """Solve an image code, have the SMS sent, read it in the inbox."""
        answer = self.ask_for_sms(mobile)
        assert answer.status == 200, answer
        return str(self.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])

    def ask_for_sms(self, mobile: str) -> Answer:
        """Solve an image code and have the SMS sent."""
        image = str(uuid.uuid4())
        self.get(f"/image_codes/{image}/")
        text = self.get(f"/sandbox/image_codes/{image}.json").data["text"]
        return self.get(f"/sms_codes/{mobile}/", image_code_id=image, text=text)

    def bind(self, mobile: str, password: str, *, ticket: str, sms_code: str | None = None) -> Answer:
        """Submit the bind form, by default with the correct SMS code."""
        code = sms_code or self.sms_code(mobile)
        return self.post("/oauth/qq/user/", mobile=mobile, password=password, sms_code=code, access_token=ticket)

    def faults(self, **switches: Any) -> None:
        """Set the sandbox's switches. Without arguments, all switches are reset."""
        answer = self.post("/sandbox/faults.json", **(switches or {"reset": True}))
        assert answer.status == 200, answer

    # ------------------------------------------------------------

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        return urljoin(self.site, path) + (f"?{urlencode(query)}" if query else "")

    def _open(self, request: Request) -> Answer:
        for name, value in self._headers.items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=30) as response:
                return Answer(response.status, response.headers, response.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())
