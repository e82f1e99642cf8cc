"""A browser and an app, as the emulated providers of id_tokens see them."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from django.test import Client
from django.urls import reverse

from phonebind_sandbox import faults
from tests.sandbox.client import Answer

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@dataclass
class OpenID:
    """``provider`` is "apple" or "oidc". ``query`` and ``form`` are the parameters of an ordinary client."""

    provider: str
    query: dict[str, str]
    form: dict[str, str]
    client: Client = field(default_factory=Client)

    def turn(self, **switches: faults.Value) -> None:
        faults.write(switches)

    def get(self, name: str, params: dict[str, str] | None = None, **headers: str) -> Answer:
        return self.client.get(reverse(f"phonebind_sandbox:{self.provider}_{name}"), params, headers=headers)

    def authorize(self, button: dict[str, str] | None = None, **params: str) -> Answer:
        """Open the page, or press one of its buttons. An empty parameter is left out."""
        query = {name: value for name, value in {**self.query, **params}.items() if value}
        if button is None:
            return self.get("authorize", query)
        return self.client.post(reverse(f"phonebind_sandbox:{self.provider}_authorize"), button, query_params=query)

    def callback(self, button: dict[str, str], **params: str) -> dict[str, str]:
        """The parameters of the browser's callback."""
        answer = self.authorize(button, **params)
        assert answer.status_code == 302, answer.content
        url = urlsplit(answer.headers["Location"])
        assert url._replace(query="").geturl() == self.query["redirect_uri"]
        return dict(parse_qsl(url.query, strict_parsing=True))

    def code(self, person: str = "xiaolan", **params: str) -> str:
        return self.callback({"person": person}, **params)["code"]

    def token(self, code: str = "", authorization: str = "", **form: str) -> Answer:
        """Request a token. An empty parameter is left out."""
        whole = {**self.form, "code": code or self.code(), **form}
        headers = {"Authorization": authorization} if authorization else {}
        body = {name: value for name, value in whole.items() if value}
        return self.client.post(reverse(f"phonebind_sandbox:{self.provider}_token"), body, headers=headers)

    def id_token(self, **params: str) -> str:
        token: str = self.token(self.code(**params)).json()["id_token"]
        return token

    def keys(self) -> dict[str, Any]:
        """Published keys by kid."""
        return {key["kid"]: jwt.PyJWK(key) for key in self.get("keys").json()["keys"]}

    def claims(self, token: str, **options: Any) -> dict[str, Any]:
        """The claims, verified by PyJWT. Raises PyJWT's errors; KeyError for a key that is not published."""
        header = jwt.get_unverified_header(token)
        key = self.keys()[header["kid"]]
        claims: dict[str, Any] = jwt.decode(token, key.key, algorithms=[header["alg"]], **options)
        return claims
