"""What a WeChat mini program sends, step by step, and what it gets. It needs Python and nothing else:

python3 mini_program.py [http://127.0.0.1:8000] [--person xiaolan] [--mobile 13900000001]

The site is one that runs with the sandbox, such as ``make run``. The sandbox answers in place of ``wx.login`` and of
the person who reads an image and an SMS. All other requests are those of a real mini program.
"""

import argparse
import json
import sys
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

APPID = "wx4444444444444444"
PASSWORD = "horse-staple-9"  # noqa: S105 - whoever is in the sandbox may know it


@dataclass
class MiniProgram:
    """It keeps no cookies. Between two requests it has only what it stores itself."""

    site: str

    def wx_login(self, person: str) -> str:
        """``wx.login({success: ({code}) => ...})``: a code, good once, for five minutes."""
        return str(self._sandbox("wechat/sdk/code", appid=APPID, person=person)["code"])

    def sign_in(self, code: str) -> Any:
        """Tokens for who is bound. Anybody else gets an ``access_token``, good for ten minutes and for one bind."""
        return self._ask("/oauth/wechat_miniprogram/native/", code=code)

    def ask_for_sms(self, mobile: str, access_token: str) -> str:
        """Show an image, send what the person reads; the code that arrives."""
        image = str(uuid.uuid4())
        self._ask(f"/image_codes/{image}/")
        text = self._sandbox(f"image_codes/{image}.json")["text"]
        self._ask(f"/sms_codes/{mobile}/", image_code_id=image, text=text, access_token=access_token)
        return str(self._sandbox("inbox.json", mobile=mobile)[0]["code"])

    def bind(self, mobile: str, sms_code: str, access_token: str) -> Any:
        """Tokens. An unknown mobile gets an account with this password; a known one has its password checked."""
        form = {"mobile": mobile, "sms_code": sms_code, "password": PASSWORD, "access_token": access_token}
        return self._ask("/oauth/wechat_miniprogram/user/", **form)

    def refresh(self, refresh: str) -> Any:
        """Two new tokens. The old refresh token is used up: store the new one before anything else."""
        return self._ask("/authorizations/refresh/", refresh=refresh)

    def _sandbox(self, path: str, **query: str) -> Any:
        """What a phone and a person do."""
        with urlopen(f"{self.site}/sandbox/{path}?{urlencode(query)}", timeout=10) as answer:
            return json.load(answer)

    def _ask(self, path: str, **form: str) -> Any:
        """Send it as JSON, or get it where there is nothing to send. Print both ways; end where it is refused."""
        body = json.dumps(form).encode() if form else None
        print(f"\n{'POST' if body else 'GET'} {path}", *([f"  {_short(form)}"] if form else []), sep="\n")
        try:
            with urlopen(Request(self.site + path, body, {"Content-Type": "application/json"}), timeout=10) as answer:
                status, kind, content = answer.status, answer.headers["Content-Type"], answer.read()
        except HTTPError as error:
            sys.exit(f"  {error.code} {error.read().decode()}")
        said = json.loads(content) if kind == "application/json" else f"{kind}, {len(content)} bytes"
        print(f"  {status} {_short(said)}")
        return said


def _short(said: Any) -> str:
    """On one line, without the middle of tokens and without passwords."""
    if not isinstance(said, dict):
        return str(said)
    shown = {name: "****" if name == "password" else value for name, value in said.items()}
    cut = {name: f"{value[:12]}...{value[-4:]}" if len(str(value)) > 60 else value for name, value in shown.items()}
    return json.dumps(cut, ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="The call sequence of a WeChat mini program.")
    parser.add_argument("site", nargs="?", default="http://127.0.0.1:8000")
    parser.add_argument("--person", default="xiaolan")
    parser.add_argument("--mobile", default="13900000001")
    asked = parser.parse_args()
    app = MiniProgram(asked.site.rstrip("/"))
    answer = app.sign_in(app.wx_login(asked.person))
    if "token" not in answer:
        print("\n# Not bound yet: prove a mobile number.")
        sms_code = app.ask_for_sms(asked.mobile, answer["access_token"])
        answer = app.bind(asked.mobile, sms_code, answer["access_token"])
    print(f"\n# Signed in: user {answer['user_id']}. An hour later, when a request is answered 401:")
    app.refresh(answer["refresh"])


if __name__ == "__main__":
    try:
        main()
    except URLError as error:
        sys.exit(f"The site does not answer, or has no sandbox: {error}. Start it with: make run")
