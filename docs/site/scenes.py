"""What the pictures of the documents show, and how a browser gets there."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Literal

from playwright.sync_api import BrowserContext, Page, Route

from phonebind.human.image_drawing import draw
from tests.support.visitor import Visitor
from tests.support.ways import DESKTOP, PHONE

MOBILE = "13912345678"
PASSWORD = "horse-staple-9"  # noqa: S105 - it is typed, and shown as dots
#: When all of it happens, as far as a picture tells.
NOW = datetime(2026, 1, 5, 2, 30, tzinfo=UTC)
_THEMED = {"DJANGO_SETTINGS_MODULE": "examples.themed_shop.settings"}


@dataclass(frozen=True)
class Stage:
    """A browser at a site on which nobody has been; ``data`` is where the site has its database."""

    page: Page
    visitor: Visitor
    data: Path

    def arrive(self, person: str = "xiaolan") -> None:
        """From QQ, for the first time."""
        self.page.goto("/login/")
        self.page.locator("a.button[href^='/login/qq/']").click()
        self.page.locator(f"button[value={person}]").click()
        self.wait_for_form()

    def wait_for_form(self) -> None:
        """Its script runs, and its image is there."""
        self.page.locator("form[novalidate]").wait_for()
        for image in self.page.locator("[data-image] img").all():
            image.evaluate("image => image.decode()")

    def ask_for_code(self) -> None:
        self.page.locator("[name=mobile]").fill(MOBILE)
        image = self.page.locator("[name=image_code_id]").input_value()
        text = self.visitor.get(f"/sandbox/image_codes/{image}.json").data["text"]
        self.page.locator("[name=text]").fill(text)
        self.page.locator("[data-send]").click()
        self.page.locator("[data-status]:not(:empty)").wait_for()

    def prove(self) -> None:
        """From the mobile to the password."""
        self.ask_for_code()
        self.page.locator("[name=sms_code]").fill(
            self.visitor.get("/sandbox/inbox.json", mobile=MOBILE).data[0]["code"]
        )
        for box in ("terms", "privacy"):
            self.page.locator(f"[name={box}]").check()
        self.go_on()
        self.page.locator("[name=password]").wait_for()
        self.wait_for_form()

    def go_on(self) -> None:
        self.page.locator("form .button.main").click()


@dataclass(frozen=True)
class Scene:
    """One picture. ``environ`` is what the site sees besides the usual."""

    play: Callable[[Stage], object]
    viewport: Mapping[str, int] = field(default_factory=lambda: {"width": 390, "height": 640})
    user_agent: str = PHONE
    scheme: Literal["light", "dark"] = "light"
    environ: Mapping[str, str] = field(default_factory=dict)


def still(context: BrowserContext) -> None:
    """What is drawn by chance, or goes on, stands still."""
    image = draw("KMRT", Random(3))  # noqa: S311 - it is to be the same each time
    context.route("**/login/images/*/**", lambda route: _show(route, image))
    context.route("https://avatar.sandbox.invalid/**", lambda route: route.abort())
    context.clock.set_fixed_time(NOW)


def _show(route: Route, image: bytes) -> None:
    # The server is asked all the same, for it is to know what the answer is.
    route.fetch()
    route.fulfill(body=image, content_type="image/jpeg")


def _sign_in(stage: Stage) -> None:
    stage.page.goto("/login/")


def _by_sms(stage: Stage) -> None:
    stage.page.goto("/login/by/sms/")
    stage.wait_for_form()


def _bind(stage: Stage) -> None:
    stage.arrive()


def _bind_sent(stage: Stage) -> None:
    stage.arrive()
    stage.ask_for_code()
    stage.page.locator("[name=sms_code]").fill("123456")


def _bind_errors(stage: Stage) -> None:
    stage.arrive()
    stage.page.locator("[name=mobile]").fill("1391234")
    stage.go_on()
    stage.page.locator("#id_mobile_error:not(:empty)").wait_for()


def _bind_password(stage: Stage) -> None:
    stage.arrive()
    stage.prove()


def _account(stage: Stage) -> None:
    _bind_password(stage)
    stage.page.locator("[name=password]").fill(PASSWORD)
    stage.go_on()
    stage.page.wait_for_url("**/login/done/")
    day = f"{NOW:%Y-%m-%d %H:%M:%S}"
    with closing(sqlite3.connect(stage.data / "db.sqlite3", timeout=20)) as connection, connection:
        connection.execute("UPDATE phonebind_socialaccount SET created_at = ?, updated_at = ?", (day, day))
        connection.execute("UPDATE phonebind_lifecycle_session SET created_at = ?, last_seen_at = ?", (day, day))
    stage.page.goto("/my/")


#: By name. Each is in docs/images once for each language.
SCENES: Mapping[str, Scene] = {
    "sign-in": Scene(_sign_in),
    "sign-in-desktop": Scene(_sign_in, {"width": 1280, "height": 800}, DESKTOP, "dark"),
    "sign-in-by-sms": Scene(_by_sms),
    "bind": Scene(_bind),
    "bind-sent": Scene(_bind_sent),
    "bind-errors": Scene(_bind_errors),
    "bind-password": Scene(_bind_password),
    "account": Scene(_account),
    "themed-sign-in": Scene(_sign_in, environ=_THEMED),
    "themed-bind": Scene(_bind, environ=_THEMED),
    "themed-dark": Scene(_sign_in, scheme="dark", environ=_THEMED),
}
