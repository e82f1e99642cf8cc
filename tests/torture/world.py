"""The real system: the HTTP API as several browsers see it, the phones, the clock and the operator."""

import base64
import json
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest
import redis
import time_machine
from django.test import Client, override_settings
from rest_framework_simplejwt.settings import api_settings

from phonebind import binding, signals
from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import Outbox, Upstream
from tests.torture.history import Rows

START = 1_800_000_000
OTHER_APP = "101000002"

#: Seconds that a single act may take before they count on Valkey's clock; see :meth:`World.pass_time`. Every lifetime
#: and every step of the clock is a multiple of it.
GRACE = 5

# Ages every key, and returns the keys that would never expire.
_AGE = """
local forever = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left == -1 then
    table.insert(forever, key)
  else
    local grace = tonumber(ARGV[2])
    left = math.ceil(left / grace) * grace - tonumber(ARGV[1])
    if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
  end
end
return forever
"""


class World:
    def __init__(self, qq: Upstream, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        self.qq, self.valkey, self._monkeypatch = qq, valkey, monkeypatch
        self._clients: dict[str, Client] = {}
        self._keys = ExitStack()
        self._requests = 0

    def begin(self) -> None:
        """Start with an empty database and store."""
        SocialAccount.objects.all().delete()
        User.objects.all().delete()
        self.valkey.flushall()
        for client in self._clients.values():
            client.cookies.clear()  # not a new client: its middleware takes longer to start than many requests
        Outbox.sent.clear()
        self.gateway("well")
        self.use_keys([0])
        self._clock = time_machine.travel(START, tick=False)
        self._traveller = self._clock.start()

    def end(self) -> None:
        self._clock.stop()
        self._keys.close()

    # ------------------------------------------------------------ browsers

    def get(self, browser: str, path: str, query: dict[str, str] | None = None, *, address: str = "192.0.2.9") -> Any:
        return self._received(browser, self._client(browser).get(path, query, **self._origin(browser, address)))

    def post(self, browser: str, path: str, form: dict[str, str], *, address: str = "192.0.2.9") -> Any:
        client = self._client(browser)
        return self._received(
            browser, client.post(path, form, content_type="application/json", **self._origin(browser, address))
        )

    def _client(self, browser: str) -> Client:
        return self._clients.setdefault(browser, Client())

    def _origin(self, browser: str, address: str) -> dict[str, Any]:
        """The address of the request, and its cookies. Browsers send the oldest cookie first; Django's client would
        sort them.

        No proxy is trusted here, so X-Forwarded-For must change nothing. Each request sends another value in it.
        """
        self._requests += 1
        cookies = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in self._client(browser).cookies.items())
        return {
            "REMOTE_ADDR": address,
            "HTTP_COOKIE": cookies,
            "headers": {"X-Forwarded-For": f"203.0.113.{self._requests % 256}"},
        }

    def _received(self, browser: str, answer: Any) -> Any:
        """Deleted cookies are removed. Expired ones stay, because an attacker would not drop them either."""
        jar = self._client(browser).cookies
        for name in [name for name, morsel in jar.items() if morsel["max-age"] == 0]:
            del jar[name]
        return answer

    # ------------------------------------------------------------ outside the site

    def at_qq(self, openid: str, answers: str) -> None:
        """The person at the keyboard there, or the error that QQ answers."""
        self.qq.person(openid, unionid=unionid(openid))
        if answers == "code_invalid":
            self.qq.answer("/oauth2.0/token", {"error": 100020, "error_description": "code is reused error"})
        elif answers == "provider_unavailable":
            self.qq.answer("/oauth2.0/token", b"<html>")

    def image(self, address: str) -> tuple[Any, str, str]:
        """The answer, the image's id, and the text that a person reads in it."""
        image_code_id, texts = str(uuid4()), [""]

        def see(text: str, **kwargs: Any) -> None:
            texts.append(text)

        signals.image_code_issued.connect(see)
        try:
            answer = self.get("reader", f"/image_codes/{image_code_id}/", address=address)
        finally:
            signals.image_code_issued.disconnect(see)
        return answer, image_code_id, texts[-1]

    def gateway(self, mood: str) -> None:
        Outbox.refuse, Outbox.mute = mood == "refuses", mood == "mute"

    def pass_time(self, seconds: int) -> None:
        """Django's clock is moved. Valkey's clock cannot be, so every key is made to expire that much earlier.

        The time that the acts themselves took is given back to each key, because in this model no time passes during an
        act.
        """
        self._traveller.shift(seconds)
        assert self.valkey.eval(_AGE, 0, seconds * 1000, GRACE * 1000) == []

    # ------------------------------------------------------------ the operator

    def use_keys(self, keys: list[int]) -> None:
        """Start again with these keys, the current one first."""
        current, *former = (f"the-key-of-the-model-check-number-{key:04}" for key in keys)
        # One override instead of a pile of them: each lookup of a setting would go through hundreds.
        self._keys.close()
        self._keys.enter_context(override_settings(SECRET_KEY=current, SECRET_KEY_FALLBACKS=former))
        # simplejwt reads the key when the process starts.
        self._monkeypatch.setattr(api_settings, "SIGNING_KEY", current)

    def update(self, pk: int, **fields: Any) -> None:
        """Update the row as the admin does."""
        user = User.objects.get(pk=pk)
        for name, value in fields.items():
            setattr(user, name, value)
        user.save()

    def set_password(self, pk: int, password: str) -> None:
        user = User.objects.get(pk=pk)
        user.set_password(password)
        user.save()

    def delete(self, pk: int) -> None:
        User.objects.get(pk=pk).delete()

    def unbind(self, openid: str) -> None:
        """Unbind in the app where the model looks first: here."""
        rows = SocialAccount.objects.filter(openid__in=[openid, elsewhere(openid)])
        binding.unbind(rows.order_by("app_id")[0])

    def open_elsewhere(self, openid: str, pk: int) -> None:
        """The owner of this openid has signed in to the account in another app."""
        SocialAccount.objects.create(
            user_id=pk, provider="qq", app_id=OTHER_APP, openid=elsewhere(openid), unionid=unionid(openid)
        )

    def rows(self) -> Rows:
        accounts = User.objects.order_by("pk").values_list("pk", "username", "mobile", "is_active")
        bindings = SocialAccount.objects.order_by("openid").values_list("openid", "user_id")
        return Rows(list(accounts), sorted(bindings))


def elsewhere(openid: str) -> str:
    """The openid of the same person in the other app."""
    return f"{openid}-elsewhere"


def unionid(openid: str) -> str:
    """The id by which all apps of the shop know the person."""
    return f"UID_{openid}"


def owner_of(token: str) -> str:
    """The id of the user that a JWT names."""
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["user_id"])
