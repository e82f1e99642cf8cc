from collections.abc import Iterable
from typing import Any

from phonebind.oauth import id_tokens, oidc
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import Answer, Upstream
from tests.support.id_tokens import claims, hashed, jwk, rsa_key, sign

ISSUER = "https://id.example/realms/staff"

#: (error, who must fix it)
ERRORS: tuple[tuple[str, Repair], ...] = (
    ("invalid_grant", "user"),
    ("invalid_client", "operator"),
    ("invalid_scope", "operator"),
    ("unauthorized_client", "operator"),
    ("unsupported_grant_type", "operator"),
    ("redirect_uri_mismatch", "operator"),
    ("invalid_redirect_uri", "operator"),
    # Some servers answer this to a made-up code.
    ("invalid_request", "provider"),
    ("server_error", "provider"),
    ("temporarily_unavailable", "provider"),
    ("something_new", "provider"),
)


class OpenIDConnect(Driver):
    kind = "oidc"
    settings = {  # noqa: RUF012
        "issuer": ISSUER,
        "client_id": "shop",
        "client_secret": "the secret: of the shop",
        "audiences": ("shop-app",),
        "redirect_uri": "https://shop.example/login/oidc/callback/",
        "label": "员工账号",
    }
    openid = "24400320"
    other_openid = "auth0|65f0c0"
    secrets = ("T0KEN", "eyJ", "N0NCE")
    path = "/token"
    native_path = "/keys"

    def serve(self, upstream: Upstream, **changes: Any) -> None:
        """``changes`` to the provider's metadata. None leaves a field out."""
        id_tokens._kept.clear()
        document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{upstream.url}/authorize",
            "token_endpoint": f"{upstream.url}/token",
            "jwks_uri": f"{upstream.url}/keys?version=1",
            **changes,
        }
        upstream.answer(oidc.WELL_KNOWN, {name: value for name, value in document.items() if value is not None})
        upstream.answer("/keys", {"keys": [jwk("one", rsa_key())]})

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        return self.answer(upstream, sub=openid, nickname=nickname)

    def app(self, upstream: Upstream, openid: str) -> tuple[str, str]:
        return sign(claims(iss=ISSUER, aud="shop-app", sub=openid, nonce=hashed("N0NCE"))), "N0NCE"

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for error, repair in ERRORS:
            yield error, repair, Answer(b'{"error":"%s","error_description":"T0KEN"}' % error.encode(), 400)

    def foreign(self, upstream: Upstream) -> str:
        return self.answer(upstream, sub=self.openid, aud="another-shop")

    def answer(self, upstream: Upstream, **changes: Any) -> str:
        token = sign(claims(**{"iss": ISSUER, "aud": "shop", "sub": self.openid, **changes}))
        upstream.answer("/token", {"access_token": "T0KEN", "token_type": "Bearer", "id_token": token})
        return "C0DE"


DRIVER = OpenIDConnect()
