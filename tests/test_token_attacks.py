"""What an attacker who has read the code tries with tokens, when a key pair signs them."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from django.contrib.auth.models import AbstractUser
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from phonebind import jwk, token_checks, token_keys, tokens
from phonebind.exceptions import TokenInvalid
from tests.support.key_pairs import KeyPair, key_pair, public_jwk
from tests.support.token_nodes import (
    FORMER,
    NEXT,
    OTHER_SECRET,
    PAIR,
    Node,
    claims,
    is_good,
    node,
    signed,
    signs_in_again,
    user,
)

__all__ = ["node", "user"]

pytestmark = pytest.mark.django_db


def spelled(head: dict[str, Any], payload: dict[str, Any], secret: bytes | None) -> str:
    """Written by hand, because no library would make it: HMAC with any bytes as the secret, or no signature."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    body = ".".join(part(json.dumps(value).encode()) for value in (head, payload))
    return f"{body}.{part(hmac.digest(secret, body.encode(), 'sha256')) if secret is not None else ''}"


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_threat_60_the_public_key_is_no_secret(node: Node, user: AbstractUser, algorithm: str) -> None:
    """The classic attack: the public key, in each spelling that it has, as the secret of HMAC."""
    pair, secret = key_pair(algorithm), ("HS256", OTHER_SECRET)
    for others in ((), (secret,), (NEXT.verifies, secret)):
        node(pair, *others)
        [shown, *_] = token_keys.public_keys()
        spellings = [
            pair.public,
            pair.public.strip(),
            json.dumps(public_jwk(pair.public)),
            json.dumps(shown),
            shown["kid"],
            "",
        ]
        for spelling in spellings:
            for name in ("HS256", "HS384", "HS512", "hs256"):
                for kid in ({}, {"kid": shown["kid"]}):
                    token = spelled({"alg": name, "typ": "JWT", **kid}, claims(user), spelling.encode())
                    assert not is_good(token)
                    assert not signs_in_again(token)
        # The key is refused, and not the spelling.
        assert is_good(spelled({"alg": "HS256"}, claims(user), OTHER_SECRET.encode())) == (secret in others)


def test_threat_60_an_empty_former_key_is_none(node: Node, user: AbstractUser) -> None:
    """``"".split(",")`` is ``[""]``. Depending on its release, PyJWT accepts such a secret, or raises an unexpected
    error.
    """
    node(None, ("HS256", ""), former=("", OTHER_SECRET))
    for secret in (b"", OTHER_SECRET.encode()):
        token = spelled({"alg": "HS256", "typ": "JWT"}, claims(user), secret)
        assert is_good(token) is bool(secret)
        assert not signs_in_again(token)
    assert "phonebind.E008" in [each.id for each in token_checks.check_tokens()]
    node(None, former=(OTHER_SECRET,))
    assert not token_checks.check_tokens()


@pytest.mark.parametrize("name", ["none", "None", "NONE", "", None, 0, [], {}], ids=repr)
def test_threat_60_a_token_without_a_signature_is_none(node: Node, user: AbstractUser, name: object) -> None:
    node(PAIR, ("HS256", OTHER_SECRET))
    for kid in ({}, {"kid": token_keys.backend().kid}):
        assert not is_good(spelled({"alg": name, **kid}, claims(user), None))
        assert not is_good(spelled({"alg": name, **kid}, claims(user), b""))


NO_TOKENS = ["", ".", "..", "a.b.c", "é.é.é", "eyJ9.e30.", "[" * 9999 + ".e30.", "\x00"]
PATHS = ["../../../../dev/null", "/etc/passwd"]
QUERIES = ["' OR 1=1 --", "x'; DROP TABLE users_user; --"]
KIDS = [
    "",
    "../../../../dev/null",
    "/etc/passwd",
    "' OR 1=1 --",
    "x'; DROP TABLE users_user; --",
    "\x00",
    "é",
    "a" * 9999,
]


@pytest.mark.parametrize("kid", [*KIDS, 0, None, [], {"kid": 1}, True], ids=lambda kid: ascii(kid)[:20])
def test_threat_60_a_name_is_compared_and_looked_up_nowhere(node: Node, user: AbstractUser, kid: object) -> None:
    """An attacker may put any name into the token. If it names dev/null, they sign with the empty content of
    that file.
    """
    node(PAIR, NEXT.verifies, ("HS256", OTHER_SECRET))
    for token in (
        spelled({"alg": "HS256", "kid": kid}, claims(user), b""),
        spelled({"alg": "HS256", "kid": kid}, claims(user), b"\x00"),
        *([jwt.encode(claims(user), FORMER.private, "ES256", {"kid": kid})] if isinstance(kid, str) else []),
    ):
        assert not is_good(token)
        assert not signs_in_again(token)


def test_threat_60_a_retired_key_is_none_under_any_name(node: Node, user: AbstractUser) -> None:
    node(PAIR, FORMER.verifies)
    token, kid = signed(claims(user), FORMER), token_keys.backend().kid
    assert is_good(token)
    node(PAIR, NEXT.verifies)
    assert not is_good(token)
    for name in (kid, *(key["kid"] for key in token_keys.public_keys())):
        assert not is_good(signed(claims(user), FORMER, kid=name))
    assert not is_good(jwt.encode(claims(user), FORMER.private, "ES256"))


def test_threat_60_a_listed_key_is_good_under_its_own_name_alone(node: Node, user: AbstractUser) -> None:
    node(PAIR, NEXT.verifies)
    assert not is_good(signed(claims(user), NEXT, kid=token_keys.backend().kid))
    assert not is_good(signed(claims(user), NEXT, kid="unheard-of"))


def test_threat_60_a_key_that_a_token_brings_along_is_not_used(
    node: Node, user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda client: pytest.fail("it was asked for"))
    node(PAIR, NEXT.verifies)
    evil, kid = key_pair("ES256", 9), token_keys.backend().kid
    for brought in (
        {"jwk": public_jwk(evil.public)},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/chain.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": public_jwk(evil.public), "kid": jwk.thumbprint(public_jwk(evil.public))},
    ):
        assert not is_good(signed(claims(user), evil, **{"kid": kid, **brought}))
        assert not signs_in_again(signed(claims(user, RefreshToken), evil, **{"kid": kid, **brought}))


@pytest.mark.parametrize("pair", [None, PAIR], ids=["secret", "pair"])
def test_threat_60_neither_token_serves_for_the_other(node: Node, user: AbstractUser, pair: KeyPair | None) -> None:
    node(pair)
    made = tokens.issue(user)
    assert not is_good(made["refresh"])
    assert not signs_in_again(made["token"])
    with pytest.raises(TokenInvalid):
        tokens.retire(made["token"])
    assert is_good(made["token"])
    assert signs_in_again(made["refresh"])


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é.é.é", "eyJ9.e30.", "[" * 9999 + ".e30.", "\x00"], ids=ascii
)
def test_threat_60_what_is_no_token_is_refused_whatever_the_keys(node: Node, token: str) -> None:
    node(PAIR, NEXT.verifies)
    with pytest.raises(TokenError):
        token_keys.keyed(AccessToken)(token)
    with pytest.raises(TokenBackendError):
        token_keys.backend().decode(token)  # type: ignore[arg-type]
    assert not signs_in_again(token)


def test_threat_60_a_changed_signature_or_claim_is_refused(node: Node, user: AbstractUser) -> None:
    node(PAIR, NEXT.verifies)
    head, body, signature = tokens.issue(user)["token"].split(".")
    other = base64.urlsafe_b64encode(json.dumps({**claims(user), "user_id": "1"}).encode()).decode().rstrip("=")
    flipped = signature[:-4] + ("AAAA" if not signature.endswith("AAAA") else "BBBB")
    assert not is_good(f"{head}.{other}.{signature}")
    assert not is_good(f"{head}.{body}.{flipped}")
