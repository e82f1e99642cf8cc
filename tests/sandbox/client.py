"""An app and its visitors' browser, as the emulated provider sees them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from django.test import Client
from django.urls import reverse

from phonebind_sandbox import faults

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

Answer: TypeAlias = "_MonkeyPatchedWSGIResponse"
"""What Django's test client returns: a response with ``json()``."""

CALLBACK = "http://127.0.0.1:8000/login/qq/callback/"


@dataclass
class QQ:
    """The emulated provider, called as an app and a browser would."""

    client_id: str = "101000001"
    secret: str = "sandbox-secret"
    client: Client = field(default_factory=Client)

    def turn(self, **switches: faults.Value) -> None:
        faults.write(switches)

    def authorize(self, button: dict[str, str] | None = None, **params: str) -> Answer:
        """Open the page, or press one of its buttons."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "state": "a b&c",
        } | params
        url = reverse("phonebind_sandbox:qq_authorize")
        if button is None:
            return self.client.get(url, query)
        return self.client.post(url, button, query_params=query)

    def code(self, person: str = "xiaolan", **params: str) -> str:
        return self.callback(self.authorize({"person": person}, **params))["code"]

    @staticmethod
    def callback(response: Answer) -> dict[str, str]:
        """The parameters of the browser's callback."""
        assert response.status_code == 302
        url = urlsplit(response.headers["Location"])
        assert url._replace(query="").geturl() == CALLBACK
        return dict(parse_qsl(url.query, strict_parsing=True))

    def token(self, **params: str) -> Answer:
        grant = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        return self._get("qq_token", {"client_id": self.client_id, "client_secret": self.secret} | grant | params)

    def access_token(self, **params: str) -> str:
        access_token: str = self.token(code=self.code(**params), fmt="json").json()["access_token"]
        return access_token

    def renew(self, refresh_token: str, **params: str) -> Answer:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, fmt="json", **params)

    def me(self, **params: str) -> Answer:
        return self._get("qq_me", params)

    def profile(self, **params: str) -> Answer:
        return self._get("qq_get_user_info", {"oauth_consumer_key": self.client_id} | params)

    def _get(self, name: str, params: dict[str, str]) -> Answer:
        # An empty value leaves the parameter out.
        return self.client.get(
            reverse(f"phonebind_sandbox:{name}"), {name: value for name, value in params.items() if value}
        )
