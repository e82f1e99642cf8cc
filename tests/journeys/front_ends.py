"""Sites for existing front ends, and a person at one of their pages."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from phonebind.human import BOUNDS
from tests.journeys.conftest import PASSWORD
from tests.support import static_pages
from tests.support.ports import free_port
from tests.support.services import valkey_server
from tests.support.site import serve
from tests.support.static_pages import Pages
from tests.support.visitor import Visitor

#: Browsers and the sandbox resolve both names to this machine. For browsers they are two hosts of one site.
WWW, API = "www.shop.localhost", "api.shop.localhost"
NO_IMAGE = {"HUMAN_CHECK": "none", "LIMITS": json.dumps({name: [1000, 3600] for name in BOUNDS})}


@dataclass
class FrontEnd:
    """Static pages and the API behind them, on two ports."""

    pages: Pages
    #: The API's address for the browser, and the API's address without name resolution.
    host: str
    visitor: Visitor
    database: Path

    @property
    def url(self) -> str:
        return f"http://{WWW}:{self.pages.port}"

    def speak(self, **config: Any) -> None:
        self.pages.config = {"host": self.host, **config}

    def disable_everybody(self, is_active: int = 0) -> None:
        with closing(sqlite3.connect(self.database, timeout=20)) as connection, connection:
            connection.execute("UPDATE users_user SET is_active = ? WHERE is_superuser = 0", [is_active])


@contextmanager
def serving(data: Path, kind: str, name: str, *, db: int, relay: bool = False, **environ: str) -> Iterator[FrontEnd]:
    """Serve both. ``name`` is the API's name. With ``relay``, QQ redirects to the API first."""
    with static_pages.serving() as pages:
        pages.kind = kind
        page = f"http://{WWW}:{pages.port}/oauth_callback.html"
        port = free_port()
        callback = f"http://{name}:{port}/oauth/qq/callback/"
        address = {"QQ_REDIRECT_URI": callback, "QQ_CALLBACK_PAGE": page} if relay else {"QQ_REDIRECT_URI": page}
        given = {
            "DJANGO_SETTINGS_MODULE": "tests.support.aliased_settings",
            "REDIS_URL": valkey_server().url.replace("db=0", f"db={db}"),
            "FRONT_END": kind,
            "PORT": str(port),
            "ALLOWED_HOSTS": f"{name},127.0.0.1",
            "CORS_ALLOWED_ORIGINS": f"http://{WWW}:{pages.port}",
            "WORKERS": "1",
            **address,
            **environ,
        }
        with serve(data, **given) as url:
            yield FrontEnd(pages, f"http://{name}:{port}", Visitor(url), data / "db.sqlite3")


@dataclass
class Somebody:
    """A person at a page of the front end."""

    page: Page
    front_end: FrontEnd

    def press(self, next_: str = "") -> None:
        """Press the button of the sign-in page, and wait for the provider's page."""
        self.page.goto(f"{self.front_end.url}/login.html" + (f"?next={next_}" if next_ else ""))
        self.page.locator("#qq").click()

    def arrive(self, person: str, next_: str = "") -> None:
        self.press(next_)
        self.page.locator(f"button[value={person}]").click()

    def ask_for_code(self, mobile: str, text: str = "") -> None:
        self.page.locator("[name=mobile]").fill(mobile)
        if self.front_end.pages.config["image"]:
            self.page.locator("[name=text]").fill(text or self.look())
        self.page.locator("#send").click()

    def look(self) -> str:
        image = self.page.locator("#image")
        image.evaluate("img => img.decode()")
        name = str(image.get_attribute("src")).rstrip("/").rpartition("/")[2].removesuffix(".jpg")
        return str(self.front_end.visitor.get(f"/sandbox/image_codes/{name}.json").data["text"])

    def get_code(self, mobile: str) -> str:
        self.ask_for_code(mobile)
        self.page.locator("#sent:not(:empty)").wait_for()
        return str(self.front_end.visitor.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])

    def submit(self, sms_code: str, password: str = PASSWORD) -> None:
        self.page.locator("[name=sms_code]").fill(sms_code)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("#go").click()

    def bind(self, mobile: str) -> None:
        self.submit(self.get_code(mobile))

    def log_in(self, username: str, password: str = PASSWORD, *, remember: bool = False, next_: str = "") -> None:
        self.page.goto(f"{self.front_end.url}/login.html" + (f"?next={next_}" if next_ else ""))
        self.page.locator("[name=username]").fill(username)
        self.page.locator("[name=password]").fill(password)
        self.page.locator("[name=remember]").set_checked(remember)
        self.page.locator("#go").click()

    def told(self, where: str) -> str:
        place = self.page.locator(f"#{where}:not(:empty)")
        place.wait_for()
        return place.inner_text()
