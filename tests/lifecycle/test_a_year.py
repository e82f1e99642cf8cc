"""One year of a customer's app at the running server, by the API alone."""

import json
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request

import pytest

from tests.support.services import valkey_server
from tests.support.site import ROOT, serve
from tests.support.visitor import Answer, Visitor

FIRST, SECOND, THIRD, FOURTH = (f"{word}-horse-9" for word in ("first", "second", "third", "fourth"))
# In this test nobody waits one minute for another code.
LIMITS = {"sms_mobile_gap": [100, 1]} | {f"sms_mobile_{each}hour": [1000, 3600] for each in ("", "open_")}


class App(Visitor):
    """The app keeps its tokens and the last step-up proof."""

    token = refresh = verification = ""

    def ask(self, method: str, path: str, **fields: Any) -> Answer:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.verification:
            headers["X-Verification"] = self.verification
        body = json.dumps(fields).encode() if fields else None
        return self._open(Request(self._url(path), body, headers, method=method))

    def expect(self, status: int, method: str, path: str, **fields: Any) -> Any:
        answer = self.ask(method, path, **fields)
        assert answer.status == status, (method, path, answer.status, answer.body)
        return answer.data if answer.body else None

    def code(self, path: str, to: str, **query: str) -> tuple[str, Any]:
        """The code that arrives at the number, and the answer of the API."""
        said = self.expect(200, "GET", f"{path}?{self._solved(**query)}")
        return self.inbox(to), said

    def reset(self, mobile: str, password: str) -> None:
        solved = {name: values[0] for name, values in parse_qs(self._solved()).items()}
        begun = self.expect(202, "POST", "/password_resets/", mobile=mobile, **solved)
        path = f"/password_resets/{begun['id']}/"
        assert self.ask("PUT", path, sms_code="000000", password=password).data["code"] == "sms_code_invalid"
        self.keep(self.expect(200, "PUT", path, sms_code=self.inbox(mobile), password=password))

    def inbox(self, mobile: str) -> str:
        return str(self.get("/sandbox/inbox.json", mobile=mobile).data[0]["code"])

    def keep(self, answer: Any) -> None:
        self.token, self.refresh, self.verification = answer["token"], answer["refresh"], ""

    def forget(self) -> None:
        self.token = self.refresh = self.verification = ""

    def confirm(self, **shown: str) -> None:
        self.verification = self.expect(201, "POST", "/account/verifications/", **shown)["verification"]

    def change_mobile(self, status: int, mobile: str) -> Any:
        code, _said = self.code("/account/sms_codes/", mobile, purpose="change_mobile", mobile=mobile)
        return self.expect(status, "PUT", "/account/mobile/", mobile=mobile, sms_code=code)

    def come_back(self, person: str, provider: str = "qq") -> Any:
        """The app goes to the provider. Returns the answer to the code and the state of the callback."""
        url = self.get(f"/oauth/{provider}/authorization/", next="/").data["login_url"]
        return self.get(f"/oauth/{provider}/user/?{urlsplit(self.click(url, person)).query}").data

    def _solved(self, **query: str) -> str:
        image = str(uuid.uuid4())
        self.get(f"/image_codes/{image}/")
        text = self.get(f"/sandbox/image_codes/{image}.json").data["text"]
        return "&".join(f"{name}={value}" for name, value in {**query, "image_code_id": image, "text": text}.items())


@pytest.fixture
def execute(tmp_path: Path) -> Callable[[str], None]:
    def change(statement: str) -> None:
        with closing(sqlite3.connect(tmp_path / "db.sqlite3", timeout=20)) as connection, connection:
            connection.execute(statement)

    return change


def test_a_year(tmp_path: Path, execute: Callable[[str], None]) -> None:
    environ = {
        "REDIS_URL": valkey_server().url.replace("db=0", "db=9"),
        "LIFECYCLE": "1",
        "SMS_SIGN_IN": "1",
        "LIMITS": json.dumps(LIMITS),
    }
    with serve(tmp_path, **environ) as url:
        app = App(url)
        app.faults()
        _come_in(app, "13900000001")
        _bind_another(app, "13900000001", execute)
        _end_a_stranger(app, App(url), "13900000001")
        _change_password_and_mobile(app, execute)
        _lose_the_number(app, execute)
        command = [sys.executable, "-m", "server.manage", "phonebind_mobile_changes"]
        told = subprocess.run(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                **environ,
                "DATA_DIR": str(tmp_path),
                "DEBUG": "1",
                "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        assert "1" in told.stdout, told
        phone = App(url)
        assert phone.ask("POST", "/authorizations/", username="13900000002", password=FOURTH).status == 401
        phone.keep(phone.expect(200, "POST", "/authorizations/", username="13900000004", password=FOURTH))
        assert phone.expect(200, "GET", "/account/")["mobile"] == "139****0004"


def _come_in(app: App, mobile: str) -> None:
    ticket = app.arrive("xiaolan").data["access_token"]
    app.keep(app.bind(mobile, FIRST, ticket=ticket).data)
    app.expect(200, "POST", "/authorizations/revoke/", refresh=app.refresh)
    assert app.expect(401, "GET", "/account/")["code"] in ("session_ended", "token_invalid")
    app.forget()
    code, said = app.code(f"/sms_codes/{mobile}/", mobile, purpose="sign_in")
    app.keep(app.expect(200, "POST", "/authorizations/sms/", mobile=mobile, sms_code=code, flow=said["flow"]))
    app.forget()
    app.expect(401, "POST", "/authorizations/", username=mobile, password=SECOND)
    app.keep(app.expect(200, "POST", "/authorizations/", username=mobile, password=FIRST))
    app.reset(mobile, SECOND)
    assert app.expect(200, "GET", "/account/")["has_password"]


def _bind_another(app: App, mobile: str, execute: Callable[[str], None]) -> None:
    execute("UPDATE phonebind_lifecycle_session SET created_at = '2026-01-01 00:00:00'")
    begun = app.expect(200, "GET", "/oauth/weibo/authorization/?intent=bind")
    back = parse_qs(urlsplit(app.click(begun["login_url"], "xiaolan")).query)
    shown = {"provider": "weibo", "code": back["code"][0], "state": back["state"][0]}
    asked = app.expect(401, "POST", "/account/identities/", **shown)
    assert (asked["code"], asked["methods"]) == (
        "insufficient_user_authentication",
        ["sms", "password", "provider"],
    )
    assert app.expect(400, "POST", "/account/verifications/", password=FIRST)["code"] == "password_wrong"
    app.confirm(password=SECOND)
    app.expect(201, "POST", "/account/identities/", **shown)
    rows = app.expect(200, "GET", "/account/identities/")
    [qq] = [row["id"] for row in rows if row["provider"] == "qq"]
    app.expect(204, "DELETE", f"/account/identities/{qq}/")
    assert "access_token" in app.come_back("xiaolan")
    app.keep(app.come_back("xiaolan", "weibo"))


def _end_a_stranger(app: App, stranger: App, mobile: str) -> None:
    stranger.keep(stranger.expect(200, "POST", "/authorizations/", username=mobile, password=SECOND))
    sessions = app.expect(200, "GET", "/account/sessions/")
    newest = max((each for each in sessions if not each["current"]), key=lambda each: each["created_at"])
    app.expect(204, "DELETE", f"/account/sessions/{newest['id']}/")
    assert stranger.expect(401, "GET", "/account/")["code"] in ("session_ended", "token_invalid")


def _change_password_and_mobile(app: App, execute: Callable[[str], None]) -> None:
    assert app.expect(400, "PUT", "/account/password/", old_password=FIRST, password=THIRD)["code"] == "password_wrong"
    app.keep(app.expect(200, "PUT", "/account/password/", old_password=SECOND, password=THIRD))
    execute("UPDATE phonebind_lifecycle_session SET created_at = '2026-01-01 00:00:00'")
    code, _said = app.code("/account/sms_codes/", "13900000001", purpose="verify")
    app.confirm(sms_code=code)
    assert app.change_mobile(200, "13900000002") == {"mobile": "139****0002"}


def _lose_the_number(app: App, execute: Callable[[str], None]) -> None:
    app.confirm(password=THIRD)
    assert app.change_mobile(202, "13900000003")["pending"]
    app.expect(204, "DELETE", "/account/mobile/")
    assert app.expect(200, "GET", "/account/")["mobile_change"] is None
    app.keep(app.expect(200, "PUT", "/account/password/", old_password=THIRD, password=FOURTH))
    app.confirm(password=FOURTH)
    assert app.change_mobile(202, "13900000004")["mobile"] == "139****0004"
    execute("UPDATE phonebind_lifecycle_mobilechange SET due_at = '2026-01-01 00:00:00'")
