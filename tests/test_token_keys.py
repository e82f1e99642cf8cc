"""Which tokens are valid, and how a key is replaced while people are signed in."""

import base64
import itertools
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth.models import AbstractUser
from django.test import Client
from jwt.algorithms import ECAlgorithm
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings

from phonebind import jwk, token_keys, tokens
from tests.support.key_pairs import key_pair, public_jwk
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
    whose,
)

__all__ = ["node", "user"]

pytestmark = pytest.mark.django_db


def header(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


# ---------------------------------------------------------------- a key pair


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_both_tokens_name_the_pair_by_its_thumbprint(node: Node, user: AbstractUser, algorithm: str) -> None:
    pair = key_pair(algorithm)
    node(pair)
    made = tokens.issue(user)
    [public] = token_keys.public_keys()
    for token in (made["token"], made["refresh"]):
        assert header(token) == {"alg": algorithm, "kid": public["kid"], "typ": "JWT"}
        assert jwt.decode(token, pair.public, [algorithm])["user_id"] == str(user.pk)
    assert is_good(made["token"])
    assert header(tokens.refresh(made["refresh"])["refresh"])["kid"] == public["kid"]


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    """RFC 7638, 3.1, and RFC 8037, A.3."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
        "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
        "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    assert jwk.thumbprint({"e": "AQAB", "kty": "RSA", "n": n}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    okp = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert jwk.thumbprint(okp) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_secret_has_no_name_and_its_tokens_are_as_they_were(node: Node, user: AbstractUser) -> None:
    node()
    made = tokens.issue(user)
    assert header(made["token"]) == {"alg": "HS256", "typ": "JWT"}
    assert token_keys.public_keys() == []
    assert JWTAuthentication().get_validated_token(made["token"].encode())["user_id"] == str(user.pk)


def test_audience_and_issuer_are_those_of_simplejwt(
    node: Node, user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_settings, "AUDIENCE", "shop")
    monkeypatch.setattr(api_settings, "ISSUER", "https://shop.example")
    node(key_pair("ES256", 4), key_pair("EdDSA").verifies)
    made = tokens.issue(user)
    found = jwt.decode(made["token"], key_pair("ES256", 4).public, ["ES256"], audience="shop")
    assert found["iss"] == "https://shop.example"
    assert is_good(made["token"])
    del found["iss"]
    assert not is_good(signed(found, key_pair("ES256", 4)))


def test_tokens_from_before_there_were_names_are_good(node: Node, user: AbstractUser) -> None:
    node(PAIR, NEXT.verifies)
    for pair in (PAIR, NEXT):
        assert is_good(jwt.encode(claims(user), pair.private, "ES256"))
    assert not is_good(jwt.encode(claims(user), FORMER.private, "ES256"))


def test_a_host_that_verifies_by_another_sites_set_goes_on(
    node: Node, user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyJWT's client looks for the key. Tokens of the keys in TOKEN_KEYS are valid besides."""
    node(PAIR, NEXT.verifies)
    monkeypatch.setattr(api_settings, "JWK_URL", "https://issuer.example/jwks.json")
    looked_for = []

    def fetched(client: jwt.PyJWKClient) -> dict[str, Any]:
        looked_for.append(client.uri)
        public: dict[str, Any] = ECAlgorithm(ECAlgorithm.SHA256).to_jwk(_prepared(PAIR.public), as_dict=True)
        return {"keys": [{**public, "kid": "their-own-name", "use": "sig"}]}

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fetched)
    assert is_good(jwt.encode(claims(user), PAIR.private, "ES256", {"kid": "their-own-name"}))
    assert looked_for == ["https://issuer.example/jwks.json"]
    assert is_good(signed(claims(user), NEXT))
    assert not is_good(signed(claims(user), FORMER))


def _prepared(pem: str) -> Any:
    return ECAlgorithm(ECAlgorithm.SHA256).prepare_key(pem)


def test_what_is_expired_is_said_to_be(node: Node, user: AbstractUser) -> None:
    node(PAIR, FORMER.verifies)
    token = signed(claims(user), FORMER)
    with time_machine.travel(timedelta(hours=2)), pytest.raises(InvalidToken) as told:
        whose(token)
    detail: Any = told.value.detail
    assert detail["code"] == "token_not_valid"
    with pytest.raises(InvalidToken) as theirs:
        JWTAuthentication().get_validated_token(b"x")
    assert detail["detail"] == theirs.value.detail["detail"]  # type: ignore[index,call-overload]
    assert [(one["token_class"], one["token_type"]) for one in detail["messages"]] == [("AccessToken", "access")]
    assert "expired" in detail["messages"][0]["message"]


def test_a_token_is_read_without_its_signature_as_simplejwt_does(node: Node, user: AbstractUser) -> None:
    node(PAIR, FORMER.verifies)
    found = token_keys.backend().decode(signed(claims(user), NEXT), verify=False)  # type: ignore[arg-type]
    assert found["user_id"] == str(user.pk)


# ---------------------------------------------------------------- a key is replaced


def test_a_pair_is_replaced_in_two_phases(node: Node, user: AbstractUser) -> None:
    """In each phase, a node of the phase before and one of this phase accept each other's tokens."""
    phases = (PAIR,), (PAIR, NEXT.verifies), (NEXT, PAIR.verifies), (NEXT,)
    for before, after in itertools.pairwise(phases):
        for signer, reader in ((before, after), (after, before)):
            node(*signer)
            made = tokens.issue(user)
            node(*reader)
            assert is_good(made["token"])
            assert signs_in_again(made["refresh"])


def test_without_the_first_phase_a_node_refuses_the_other(node: Node, user: AbstractUser) -> None:
    node(NEXT, PAIR.verifies)
    made = tokens.issue(user)
    node(PAIR)
    assert not is_good(made["token"])
    assert not signs_in_again(made["refresh"])


def test_a_secret_gives_way_to_a_pair_in_two_phases(node: Node, user: AbstractUser) -> None:
    secret = ("HS256", django_settings.SECRET_KEY)
    for signer, reader in (
        ((None, PAIR.verifies), (PAIR, secret)),
        ((PAIR, secret), (None, PAIR.verifies)),
    ):
        node(*signer)
        made = tokens.issue(user)
        node(*reader)
        assert is_good(made["token"])
        assert signs_in_again(made["refresh"])
    node(PAIR, secret)
    assert [key["kid"] for key in token_keys.public_keys()] == [token_keys.backend().kid]


@pytest.mark.parametrize("swapped", [False, True])
def test_secret_key_is_replaced_in_two_phases(node: Node, user: AbstractUser, swapped: bool) -> None:
    old, new = django_settings.SECRET_KEY, OTHER_SECRET
    nodes = [(old, (new,)), (new, (old,))]
    signer, reader = reversed(nodes) if swapped else nodes
    node(signer[0], former=signer[1])
    made = tokens.issue(user)
    node(reader[0], former=reader[1])
    assert is_good(made["token"])
    assert signs_in_again(made["refresh"])
    node(reader[0])
    again = tokens.issue(user)
    assert is_good(again["token"])
    node(signer[0])
    assert not is_good(again["token"])
    assert not signs_in_again(again["refresh"])


def test_a_refresh_token_of_a_former_key_works_once_and_its_successor_is_of_the_present_one(
    node: Node, user: AbstractUser
) -> None:
    node(former=())
    refresh = tokens.issue(user)["refresh"]
    node(OTHER_SECRET, former=(django_settings.SECRET_KEY,))
    made = tokens.refresh(refresh)
    assert not signs_in_again(refresh)
    assert jwt.decode(made["refresh"], OTHER_SECRET, ["HS256"])
    assert tokens.retire(made["refresh"]) == ""
    assert not signs_in_again(made["refresh"])


def test_a_signing_key_of_its_own_does_not_fall_back_to_djangos(
    node: Node, user: AbstractUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    node(former=(OTHER_SECRET,))
    monkeypatch.setattr(api_settings, "SIGNING_KEY", "simplejwt's own secret of some length")
    assert not is_good(jwt.encode(claims(user), OTHER_SECRET, "HS256"))
    node(None, ("HS256", "simplejwt's own secret of some length"))
    assert is_good(jwt.encode(claims(user), "simplejwt's own secret of some length", "HS256"))


# ---------------------------------------------------------------- what is published


def test_the_set_has_every_pair_that_verifies_and_nothing_private(node: Node, client: Client) -> None:
    former = key_pair("RS256")
    node(PAIR, key_pair("EdDSA").verifies, former.verifies, ("HS256", OTHER_SECRET), former=("z" * 60,))
    answer = client.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert not answer.cookies
    keys = answer.json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [
        *(("EC", "ES256", "sig"), ("OKP", "EdDSA", "sig"), ("RSA", "RS256", "sig"))
    ]
    assert {name for key in keys for name in key} == {"alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"}
    for secret in (OTHER_SECRET, "z" * 60, django_settings.SECRET_KEY):
        encoded = base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=")
        assert secret not in answer.text
        assert encoded not in answer.text


def test_threat_60_a_secret_is_never_published(node: Node, client: Client) -> None:
    node(None, ("HS256", OTHER_SECRET), former=("z" * 60,))
    answer = client.get("/.well-known/jwks.json")
    assert answer.json() == {"keys": []}
    assert client.head("/.well-known/jwks.json").status_code == 200
    assert client.post("/.well-known/jwks.json").status_code == 405


def test_the_next_key_is_published_before_it_signs(node: Node, user: AbstractUser) -> None:
    node(PAIR, NEXT.verifies)
    known = {key["kid"] for key in token_keys.public_keys()}
    node(NEXT, PAIR.verifies)
    assert header(tokens.issue(user)["token"])["kid"] in known
    assert {key["kid"] for key in token_keys.public_keys()} == known


def test_a_pair_that_verifies_twice_is_published_once(node: Node) -> None:
    node(PAIR, PAIR.verifies)
    assert len(token_keys.public_keys()) == 1


def test_without_a_key_that_signs_there_is_none_to_show(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node(PAIR)
    monkeypatch.setattr(api_settings, "SIGNING_KEY", None)
    assert len(token_keys.public_keys()) == 1
    monkeypatch.setattr(api_settings, "VERIFYING_KEY", "")
    assert token_keys.public_keys() == []


def test_both_halves_have_one_name() -> None:
    """The name is made of the public members alone."""
    algorithm = ECAlgorithm(ECAlgorithm.SHA256)
    halves = [jwk.public("ES256", algorithm.prepare_key(pem)) for pem in (PAIR.private, PAIR.public)]
    assert halves == [public_jwk(PAIR.public)] * 2
