"""A browser without scripts, as well as Django's test client can play one. The pages call a real
server in QQ's place.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from phonebind import signals
from tests.support.edge import Outbox, busy, phonebind, qq, upstream

__all__ = ["busy", "phonebind", "qq", "upstream"]

ENGLISH = {"accept-language": "en"}


class _Inputs(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.values[given["name"] or ""] = given.get("value") or ""


class SecureClient(Client):
    """A client over HTTPS."""

    def request(self, **request: Any) -> Any:
        return super().request(**request | {"wsgi.url_scheme": "https", "SERVER_PORT": "443"})


class Shopper:
    """A visitor of a shop. Django's CSRF checks are on, as for everybody."""

    def __init__(self, http: type[Client] = Client) -> None:
        self.http = http(enforce_csrf_checks=True, headers=ENGLISH)
        self.images: dict[str, str] = {}

    def see_image(self, image_code_id: str, text: str, **kwargs: Any) -> None:
        self.images[image_code_id] = text

    def start(self, **query: str) -> dict[str, str]:
        """Press the button. Returns the query that QQ gets."""
        answer = self.http.get("/login/qq/", query)
        assert answer.status_code == 303, answer.content.decode()
        return {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}

    def come_back(self, state: str, code: str = "CODE") -> Any:
        return self.http.get("/login/qq/callback/", {"code": code, "state": state})

    def arrive(self, **query: str) -> str:
        """A new person comes to the form. Returns the form's address."""
        answer = self.come_back(self.start(**query)["state"])
        assert answer.status_code == 303, answer.content.decode()
        return str(answer["Location"])

    def inputs(self, answer: Any) -> dict[str, str]:
        """The fields that a browser would send from this page."""
        return _Inputs(answer.content.decode()).values

    def form(self, url: str) -> dict[str, str]:
        answer = self.http.get(url)
        assert answer.status_code == 200, answer.content.decode()
        return self.inputs(answer)

    def submit(self, url: str, form: dict[str, str], *, script: bool = False) -> Any:
        """Send the form; with ``script``, as the page's script sends it."""
        return self.http.post(url, form, headers={"accept": "application/json"} if script else None)

    def look(self, image_code_id: str) -> str:
        """Load the image and read it."""
        assert self.http.get(f"/login/images/{image_code_id}/").status_code == 200
        return self.images[image_code_id]

    def send_code(self, url: str, form: dict[str, str], *, script: bool = False) -> Any:
        asked = form | {"action": "send_code", "text": self.look(form["image_code_id"])}
        return self.submit(url, asked, script=script)

    def prove(self, url: str, form: dict[str, str], *, script: bool = False) -> Any:
        """The first step: the mobile number alone."""
        first = {name: value for name, value in form.items() if name != "password"}
        return self.submit(url, first | {"action": "mobile"}, script=script)

    def sms_code(self) -> str:
        found = re.search(r"\d{6}", Outbox.sent[-1].text)
        assert found
        return found[0]

    def sign_in(self, mobile: str = "13900000001", password: str = "horse-staple-9") -> None:
        """From the start to the bound account."""
        url = self.arrive()
        form = self.form(url) | {"mobile": mobile}
        assert self.send_code(url, form).status_code == 200
        answer = self.submit(url, form | {"password": password, "sms_code": self.sms_code()})
        assert answer.status_code == 303, answer.content.decode()


@pytest.fixture
def shopper() -> Iterator[Shopper]:
    new = Shopper()
    signals.image_code_issued.connect(new.see_image)
    yield new
    signals.image_code_issued.disconnect(new.see_image)
