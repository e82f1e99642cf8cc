"""What the course's pages ask of accounts, of whichever shop it is."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

ORIGIN = "http://www.meiduo.site:8080"
FIRST, SECOND, THIRD = "horse-staple-9", "another-horse-9", "a-third-horse-9"


@dataclass
class Visitor:
    """``look``: an image code, as the address says it; ``phone``: the newest code on the phone of a mobile."""

    look: Callable[[], dict[str, str]]
    phone: Callable[[str], str]
    username: str
    mobile: str
    token: str = ""
    last_step: tuple[str, dict[str, str]] = ("", {})
    #: What was asked; and of each success, what the answer has.
    seen: list[tuple[str, int, list[str]]] = field(default_factory=list)

    def ask(self, method: str, path: str, form: Any = None) -> Any:
        headers = {"origin": ORIGIN} | ({"authorization": f"JWT {self.token}"} if self.token else {})
        kind = {} if method == "get" else {"content_type": "application/json"}
        # Without cookies.
        answer: Any = getattr(Client(), method)(path, form or {}, headers=headers, **kind)
        assert answer["Access-Control-Allow-Origin"] == ORIGIN
        body = answer.json()
        asked = re.sub(rf"/({self.username}|{self.mobile}|\d+)/", "/…/", path)
        self.seen.append((f"{method} {asked}", answer.status_code, sorted(body) if answer.status_code < 400 else []))
        return body

    def sign_in(self, password: str) -> None:
        self.token = ""
        body = self.ask("post", "/authorizations/", {"username": self.username, "password": password})
        self.token = body.get("token", "")

    def register(self) -> Any:
        counts = [f"/usernames/{self.username}/count/", f"/mobiles/{self.mobile}/count/"]
        assert [self.ask("get", path)["count"] for path in counts] == [0, 0]
        self.ask("get", f"/sms_codes/{self.mobile}/", self.look())
        form = {"username": self.username, "password": FIRST, "password2": FIRST, "mobile": self.mobile}
        form |= {"allow": "true", "sms_code": self.phone(self.mobile)}
        self.ask("post", "/users/", {**form, "password2": "x"})
        made = self.ask("post", "/users/", form)
        assert [self.ask("get", path)["count"] for path in counts] == [1, 1]
        return made

    def forget(self, password: str = SECOND, account: str = "") -> Any:
        """The four steps of find_password.html; the last answer."""
        account = account or self.username
        self.ask("get", "/accounts/nobody/sms/token/", self.look())
        self.ask("get", f"/accounts/{account}/sms/token/", {**self.look(), "text": "----"})
        token = self.ask("get", f"/accounts/{account}/sms/token/", self.look())["access_token"]
        self.ask("get", "/sms_codes/", {"access_token": token})
        self.ask("get", f"/accounts/{account}/password/token/", {"sms_code": "------"})
        proved = self.ask("get", f"/accounts/{account}/password/token/", {"sms_code": self.phone(self.mobile)})
        form = {"password": password, "password2": password, "access_token": proved["access_token"]}
        self.last_step = (f"/users/{proved['user_id']}/password/", form)
        return self.ask("post", *self.last_step)

    def centre(self) -> Any:
        """The user centre: what it shows, and its password form."""
        shown = self.ask("get", "/user/")
        form = {"old_password": "wrong-horse-9", "password": THIRD, "password2": THIRD}
        self.ask("put", f"/users/{shown['id']}/password/", form)
        self.ask("put", f"/users/{shown['id']}/password/", {**form, "old_password": SECOND})
        return shown

    def live(self) -> list[tuple[str, int, list[str]]]:
        """All of it, in the order of a life."""
        self.register()
        self.forget()
        self.sign_in(FIRST)
        self.sign_in(SECOND)
        self.centre()
        self.sign_in(THIRD)
        return self.seen
