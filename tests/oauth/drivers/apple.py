from collections.abc import Iterable

from phonebind.oauth import apple, id_tokens
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import Answer, Upstream
from tests.support.id_tokens import claims, hashed, jwk, pem, rsa_key, sign

TEAM, SERVICES, BUNDLE = "TEAM000001", "example.shop.web", "example.shop.app"

#: (error, who must fix it)
ERRORS: tuple[tuple[str, Repair], ...] = (
    ("invalid_grant", "user"),
    ("invalid_client", "operator"),
    ("invalid_request", "operator"),
    ("invalid_scope", "operator"),
    ("unauthorized_client", "operator"),
    ("unsupported_grant_type", "operator"),
    ("something_new", "provider"),
)


class Apple(Driver):
    kind = "apple"
    settings = {  # noqa: RUF012
        "client_id": SERVICES,
        "audiences": (BUNDLE,),
        "team_id": TEAM,
        "key_id": "KEY0000001",
        "private_key": pem(),
        "redirect_uri": "https://shop.example/login/apple/callback/",
    }
    openid = "000001.0123456789abcdef0123456789abcdef.0001"
    other_openid = "000002.fedcba9876543210fedcba9876543210.0002"
    secrets = ("T0KEN", "eyJ", "N0NCE")
    path = apple.TOKEN
    native_path = apple.KEYS

    def serve(self, upstream: Upstream) -> None:
        id_tokens._kept.clear()
        upstream.answer(apple.KEYS, {"keys": [jwk("one", rsa_key(), alg="RS256")]})

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        return self._answer(upstream, openid, SERVICES)

    def app(self, upstream: Upstream, openid: str) -> tuple[str, str]:
        return sign(claims(iss=apple.BASE, aud=BUNDLE, sub=openid, nonce=hashed("N0NCE"))), "N0NCE"

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for error, repair in ERRORS:
            yield error, repair, Answer(b'{"error":"%s","error_description":"T0KEN"}' % error.encode(), 400)

    def foreign(self, upstream: Upstream) -> str:
        return self._answer(upstream, self.openid, "example.other.web")

    def _answer(self, upstream: Upstream, sub: str, aud: str) -> str:
        token = sign(claims(iss=apple.BASE, aud=aud, sub=sub))
        upstream.answer(apple.TOKEN, {"access_token": "T0KEN", "token_type": "Bearer", "id_token": token})
        return "c0de.0.abcd"


DRIVER = Apple()
