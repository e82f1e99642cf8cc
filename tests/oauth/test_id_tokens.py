"""What makes an id_token valid, at the two providers that use them, on the web and in apps."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from pytest_django import Settings

from phonebind import oauth
from phonebind.exceptions import CodeInvalid, Invalid, ProviderUnavailable, StateInvalid, StorageUnavailable
from phonebind.oauth import id_tokens
from phonebind.oauth.id_tokens import LEEWAY, IdTokenProvider, derived
from server.processes import Valkey
from tests.oauth.drivers.oidc import DRIVER, ISSUER
from tests.support import id_tokens as signing
from tests.support.edge import LATE, Configure, Upstream
from tests.support.id_tokens import SECRET, claims, ec_key, hashed, jwk, public_pem, raw, rsa_key, sign
from tests.support.stopwatch import Stopwatch

pytestmark = pytest.mark.once

NONCE = "a-nonce-of-the-app"


@pytest.fixture
def provider(upstream: Upstream, phonebind: Configure, settings: Settings) -> Callable[[], IdTokenProvider]:
    """The provider for one request. Its JWKS has a key of each type, each with its own kid."""
    DRIVER.serve(upstream)
    keys = [
        jwk("one", rsa_key()),
        jwk("elliptic", ec_key()),
        jwk("for-rs", rsa_key("rs"), alg="RS256"),
        jwk("to-encrypt", rsa_key("encrypt"), use="enc"),
        jwk("short", rsa_key("short", 1024)),
        jwk("p-384", ec_key("p-384", ec.SECP384R1)),
        {"kty": "RSA", "kid": "broken", "n": "!", "e": []},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        "no key at all",
    ]
    upstream.answer("/keys", {"keys": keys})
    settings.PHONEBIND = settings.PHONEBIND | {"PROVIDERS": {"oidc": {**DRIVER.settings, "base_url": upstream.url}}}

    def made() -> IdTokenProvider:
        found = oauth.get("oidc")
        assert isinstance(found, IdTokenProvider)
        return found

    return made


def good(**changes: Any) -> dict[str, Any]:
    return claims(**{"iss": ISSUER, "aud": "shop", "sub": "24400320", **changes})


def bring(provider: Callable[[], IdTokenProvider], upstream: Upstream, token: object) -> str:
    """Sign in on the web: the token endpoint answers with the token. Returns the openid."""
    upstream.answer("/token", {"access_token": "T", "id_token": token})
    return provider().exchange("CODE", secret=SECRET).openid


def native(**changes: Any) -> dict[str, Any]:
    """The claims for an app whose nonce is :data:`NONCE`."""
    return good(**{"aud": "shop-app", "nonce": hashed(NONCE), **changes})


GOOD: Mapping[str, Callable[[], str]] = {
    "RS256": lambda: sign(good()),
    "PS256 with a key that may do both": lambda: sign(good(), algorithm="PS256"),
    "ES256": lambda: sign(good(), ec_key(), "ES256", kid="elliptic"),
    "a key that says for what it is": lambda: sign(good(), rsa_key("rs"), kid="for-rs"),
    "no typ": lambda: sign(good(), typ=None),
    "aud is a list": lambda: sign(good(aud=["shop"])),
    "several, and azp says that we asked": lambda: sign(good(aud=["other", "shop"], azp="shop")),
    "one, and azp another of our apps": lambda: sign(good(azp="shop-android")),
    "just expired, by our clock": lambda: sign(good(exp=int(time.time()) - LEEWAY + 10)),
    "just to come, by our clock": lambda: sign(good(iat=int(time.time()) + LEEWAY - 10)),
    "more claims": lambda: sign(good(email="a@b.example", email_verified="true", auth_time=1)),
}


def _segments(index: int, value: str) -> str:
    parts = sign(good()).split(".")
    parts[index] = value
    return ".".join(parts)


def _without(name: str) -> str:
    return sign(good(**{name: None}))


def _deep(opening: str) -> str:
    return jwt.utils.base64url_encode(opening.encode() * 5_000).decode()


def _header(**header: Any) -> str:
    return jwt.utils.base64url_encode(json.dumps(header).encode()).decode()


#: The claims and headers of OpenID Connect Core 3.1.3.7 and RFC 8725, each with a wrong value.
BAD: Mapping[str, Callable[[], object]] = {
    # the signature
    "alg none": lambda: _segments(0, _header(alg="none")),
    "alg none without a signature": lambda: f"{_header(alg='none')}.{sign(good()).split('.')[1]}.",
    "alg None, spelt otherwise": lambda: f"{_header(alg='nOnE', kid='one')}.{sign(good()).split('.')[1]}.",
    "HS256 with the public key as its secret": lambda: hs256(public_pem(), "one"),
    "HS256 with a secret from the JWKS": lambda: hs256(b"secret-secret-secret-secret-secret", "shared"),
    "HS256 with the client secret": lambda: hs256(str(DRIVER.settings["client_secret"]).encode(), "one"),
    "RS512": lambda: sign(good(), algorithm="RS512"),
    "EdDSA in name": lambda: sign(good(), kid="one", alg="EdDSA"),
    "no alg": lambda: _segments(0, _header(kid="one")),
    "alg is no text": lambda: _segments(0, _header(alg=["RS256"], kid="one")),
    "somebody else's key": lambda: sign(good(), rsa_key("mallory")),
    "somebody else's key, sent along": lambda: sign(good(), rsa_key("mallory"), jwk=jwk("one", rsa_key("mallory"))),
    "somebody else's keys, named": lambda: sign(good(), rsa_key("mallory"), jku="https://mallory.example/keys"),
    "a key that is to encrypt": lambda: sign(good(), rsa_key("encrypt"), kid="to-encrypt"),
    "a key for another algorithm": lambda: sign(good(), rsa_key("rs"), "PS256", kid="for-rs"),
    "a key of another type": lambda: sign(good(), kid="elliptic"),
    "a key of another curve": lambda: sign(good(), ec_key("p-384", ec.SECP384R1), "ES256", kid="p-384"),
    "a key that is too short": lambda: sign(good(), rsa_key("short", 1024), kid="short"),
    "a key that is none": lambda: sign(good(), kid="broken"),
    "a kid that nobody knows": lambda: sign(good(), kid="three"),
    "a kid that is no text": lambda: sign(good(), kid=1),
    "a kid that is null": lambda: sign(good(), kid=None),
    "another kid of theirs": lambda: sign(good(), kid="for-rs"),
    "something critical that we do not know": lambda: sign(good(), crit=["exp"]),
    "a payload that is elsewhere": lambda: sign(good(), b64=False, crit=["b64"]),
    "a payload that was changed": lambda: _segments(1, sign(good(sub="1")).split(".")[1]),
    "a signature that was cut": lambda: sign(good())[:-10],
    "no signature": lambda: _segments(2, ""),
    # the claims
    **{f"no {name}": partial(_without, name) for name in id_tokens.REQUIRED},
    "another issuer": lambda: sign(good(iss="https://id.example/realms/other")),
    "an issuer with a slash": lambda: sign(good(iss=f"{ISSUER}/")),
    "an issuer in a list": lambda: sign(good(iss=[ISSUER])),
    "for another app": lambda: sign(good(aud="another-shop")),
    "for an app of ours, on the web": lambda: sign(good(aud="shop-app")),
    "for nobody": lambda: sign(good(aud=[])),
    "for something that is no text": lambda: sign(good(aud=["shop", 1])),
    "for an object": lambda: sign(good(aud={"shop": 1})),
    "for several, and nobody asked": lambda: sign(good(aud=["shop", "other"])),
    "for several, and another asked": lambda: sign(good(aud=["shop", "other"], azp="other")),
    "for several, and azp is no text": lambda: sign(good(aud=["shop", "other"], azp=["shop"])),
    "expired": lambda: sign(good(exp=int(time.time()) - LEEWAY - 1)),
    "expired in words": lambda: sign(good(exp="tomorrow")),
    "expires never": lambda: sign(good(exp=float("inf"))),
    "expires at no number": lambda: sign(good(exp=float("nan"))),
    "of the future": lambda: sign(good(iat=int(time.time()) + LEEWAY + 10)),
    "not before then": lambda: sign(good(nbf=int(time.time()) + LEEWAY + 10)),
    "nobody": lambda: sign(good(sub="")),
    "somebody with a space": lambda: sign(good(sub="a b")),
    "a number": lambda: sign(good(sub=24400320)),
    "256 letters": lambda: sign(good(sub="a" * 256)),
    "of another sign-in": lambda: sign(good(nonce=derived("t" * 43, "nonce"))),
    "a nonce in a list": lambda: sign(good(nonce=[derived(SECRET, "nonce")])),
    # no token
    "two parts": lambda: ".".join(sign(good()).split(".")[:2]),
    "five parts": lambda: f"{sign(good())}.a.b",
    "a deep header": lambda: _segments(0, _deep("[")),
    "a deep payload": lambda: raw('{"alg":"RS256","kid":"one"}', '{"a":' * 5_000),
    "a payload that is a list": lambda: raw('{"alg":"RS256","kid":"one"}', "[]"),
    "a header that is a list": lambda: _segments(0, "W10"),
    "a number of 5,000 digits": lambda: raw('{"alg":"RS256","kid":"one"}', '{"exp":' + "9" * 5_000 + "}"),
    "half a character": lambda: "\ud800.a.b",
    "letters that are none of it": lambda: "签名.签名.签名",
    "nothing": lambda: "",
    "null": lambda: None,
    "an object": lambda: {"alg": "RS256"},
}


def hs256(secret: bytes, kid: str) -> str:
    # PyJWT itself would refuse to sign with a public key.
    token = jwt.encode(good(), "x" * 32, algorithm="HS256", headers={"kid": kid}).rpartition(".")[0]
    algorithm: Any = jwt.get_algorithm_by_name("HS256")
    return f"{token}.{jwt.utils.base64url_encode(algorithm.sign(token.encode(), secret)).decode()}"


@pytest.mark.parametrize("name", GOOD)
def test_a_good_one_is_believed(provider: Callable[[], IdTokenProvider], upstream: Upstream, name: str) -> None:
    assert bring(provider, upstream, GOOD[name]()) == "24400320"


@pytest.mark.django_db
@pytest.mark.parametrize("name", BAD)
def test_threat_1_a_bad_id_token_is_nobody(
    provider: Callable[[], IdTokenProvider], upstream: Upstream, name: str, client: Client, caplog: Any
) -> None:
    upstream.answer("/token", {"access_token": "T", "id_token": BAD[name]()})
    url = client.get("/oauth/oidc/authorization/").json()["login_url"]
    state = url.partition("state=")[2][:32]
    # The table's nonce fits one secret, which the cookie of a real sign-in never has. So the check uses that secret.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(id_tokens, "derived", lambda secret, purpose: derived(SECRET, purpose))
        answer = client.get("/oauth/oidc/user/", {"code": "CODE", "state": state})
    assert answer.status_code in (400, 503), "and never 500"
    assert answer.json()["code"] in ("code_invalid", "provider_unavailable")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_table_of_bad_ones_can_fail(provider: Callable[[], IdTokenProvider], upstream: Upstream) -> None:
    """Tokens that are signed as most lines of the table, but without a fault, are accepted."""
    assert bring(provider, upstream, raw('{"alg":"RS256","kid":"one"}', json.dumps(good()))) == "24400320"
    assert bring(provider, upstream, sign(good(), kid="one", alg="RS256")) == "24400320"
    hs = hs256(b"secret-secret-secret-secret-secret", "shared")
    assert jwt.decode(hs, b"secret-secret-secret-secret-secret", algorithms=["HS256"], audience="shop")["sub"]


@pytest.mark.parametrize("name", [name for name in BAD if name != "for an app of ours, on the web"])
def test_threat_1_a_bad_id_token_from_an_app_is_nobody(
    provider: Callable[[], IdTokenProvider], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "derived", lambda secret, purpose: hashed(NONCE))
    token = BAD[name]()
    with pytest.raises((CodeInvalid, ProviderUnavailable)):
        oauth.Identity("oidc", ISSUER, provider().verify(str(token), nonce=NONCE).openid)
    assert provider().verify(sign(good()), nonce=NONCE).openid == "24400320", "with nothing wrong it is good"


# ---------------------------------------------------------------- nonces


def test_threat_1_a_code_of_another_sign_in_is_not_taken(
    provider: Callable[[], IdTokenProvider], upstream: Upstream
) -> None:
    token = sign(good(nonce=derived("t" * 43, "nonce")))
    with pytest.raises(CodeInvalid):
        bring(provider, upstream, token)


@pytest.mark.parametrize("ask", [lambda p: p.exchange("CODE"), lambda p: p.login_url("0" * 32)], ids=["back", "there"])
def test_threat_1_without_a_secret_nobody_signs_in(
    provider: Callable[[], IdTokenProvider], ask: Callable[[IdTokenProvider], object]
) -> None:
    with pytest.raises(StateInvalid):
        ask(provider())


def test_what_is_derived_tells_nothing_of_the_rest() -> None:
    assert len({derived(SECRET, "nonce"), derived(SECRET, "pkce"), derived("t" * 43, "nonce"), SECRET}) == 4
    assert len(derived(SECRET, "pkce")) == 43


# ---------------------------------------------------------------- apps


@pytest.mark.parametrize("aud", ["shop", "shop-app"])
def test_an_app_signs_in(provider: Callable[[], IdTokenProvider], aud: str) -> None:
    assert provider().verify(sign(native(aud=aud)), nonce=NONCE).openid == "24400320"


@pytest.mark.parametrize("exp", [str(int(time.time()) + 3_600), time.time() + 3_600.5], ids=["text", "fraction"])
def test_an_app_signs_in_until_a_time_that_is_written_otherwise(
    provider: Callable[[], IdTokenProvider], exp: object
) -> None:
    assert provider().verify(sign(native(exp=exp)), nonce=NONCE).openid == "24400320"


def test_threat_8_an_id_token_of_another_app_is_refused(provider: Callable[[], IdTokenProvider]) -> None:
    with pytest.raises(CodeInvalid):
        provider().verify(sign(native(aud="another-app")), nonce=NONCE)


def test_an_app_brings_its_nonce(provider: Callable[[], IdTokenProvider]) -> None:
    with pytest.raises(Invalid) as refused:
        provider().verify(sign(native()))
    assert "nonce" in refused.value.errors


def test_threat_1_what_stands_in_the_token_is_no_nonce(provider: Callable[[], IdTokenProvider]) -> None:
    """An attacker who finds a token can read the nonce in it."""
    with pytest.raises(CodeInvalid):
        provider().verify(sign(native(nonce=NONCE)), nonce=NONCE)
    with pytest.raises(CodeInvalid):
        provider().verify(sign(native()), nonce=hashed(NONCE))


def test_threat_1_an_id_token_of_an_app_is_good_once(provider: Callable[[], IdTokenProvider]) -> None:
    token = sign(native(exp=int(time.time()) - LEEWAY + 30))
    assert provider().verify(token, nonce=NONCE).openid
    # The last letter of this encoding has unused bits. So the same signature can be written with another letter.
    other = token[:-1] + next(letter for letter in "AQgw" if letter != token[-1])
    respelt = [spelt for spelt in (f"{token}==", f"{token}!", other) if _same_signature(spelt, token)]
    assert respelt, "PyJWT has become strict: then this needs no test"
    for spelling in (token, *respelt):
        with pytest.raises(CodeInvalid):
            provider().verify(spelling, nonce=NONCE)


def _same_signature(one: str, other: str) -> bool:
    try:
        return bool(jwt.decode_complete(one, rsa_key().public_key(), ["RS256"], audience="shop-app", leeway=LEEWAY))
    except jwt.PyJWTError:
        return False


def test_threat_1_where_nobody_can_tell_whether_it_was_used_nobody_signs_in(
    provider: Callable[[], IdTokenProvider], valkey: Valkey
) -> None:
    valkey.stop()
    with pytest.raises(StorageUnavailable):
        provider().verify(sign(native()), nonce=NONCE)


def test_threat_48_bad_tokens_are_told_of_once_a_minute(provider: Callable[[], IdTokenProvider], caplog: Any) -> None:
    for _ in range(3):
        with pytest.raises(CodeInvalid):
            provider().verify("a.b.c", nonce=NONCE)
    [record] = caplog.records
    assert record.levelno == logging.WARNING


@pytest.mark.django_db
def test_the_address_for_apps(provider: Callable[[], IdTokenProvider], client: Client) -> None:
    def post(token: str, nonce: str = NONCE) -> Any:
        return client.post("/oauth/oidc/native/", {"token": token, "nonce": nonce}, content_type="application/json")

    token = sign(native())
    answer = post(token)
    assert (answer.status_code, bool(answer.json()["access_token"])) == (200, True)
    assert (post(token).status_code, post(token).json()["code"]) == (400, "code_invalid")
    assert post(sign(native(jti="2")), "").json()["errors"].keys() == {"nonce"}


# ---------------------------------------------------------------- keys


def test_keys_are_kept(provider: Callable[[], IdTokenProvider], upstream: Upstream) -> None:
    for _ in range(3):
        bring(provider, upstream, sign(good()))
    assert sorted(upstream.paths) == sorted(["/.well-known/openid-configuration", "/keys", *["/token"] * 3])
    assert upstream.requests[upstream.paths.index("/keys")][1] == {"version": "1"}


def test_keys_are_asked_for_again_after_an_hour(provider: Callable[[], IdTokenProvider], upstream: Upstream) -> None:
    bring(provider, upstream, sign(good()))
    for kept in id_tokens._kept.values():
        kept.fetched -= id_tokens.KEEP
    bring(provider, upstream, sign(good()))
    assert upstream.paths.count("/keys") == 2
    assert upstream.paths.count("/.well-known/openid-configuration") == 2


def test_threat_1_a_key_that_was_withdrawn_is_good_for_an_hour_at_most(
    provider: Callable[[], IdTokenProvider], upstream: Upstream
) -> None:
    bring(provider, upstream, sign(good()))
    upstream.answer("/keys", {}, status=503)
    for kept in id_tokens._kept.values():
        kept.fetched -= id_tokens.KEEP
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            bring(provider, upstream, sign(good()))


def test_new_keys_are_found(provider: Callable[[], IdTokenProvider], upstream: Upstream) -> None:
    bring(provider, upstream, sign(good()))
    upstream.answer("/keys", {"keys": [jwk("two", rsa_key("two"))]})
    token = sign(good(), rsa_key("two"), kid="two")
    with pytest.raises(ProviderUnavailable):
        bring(provider, upstream, token)
    _a_minute_later()
    assert bring(provider, upstream, token) == "24400320"


def test_threat_48_made_up_keys_are_asked_for_once_a_minute(
    provider: Callable[[], IdTokenProvider], upstream: Upstream
) -> None:
    def make_up() -> None:
        for number in range(5):
            with pytest.raises(CodeInvalid):
                provider().verify(sign(native(), kid=f"made-up-{number}"), nonce=NONCE)

    make_up()
    assert upstream.paths.count("/keys") == 1
    _a_minute_later()
    make_up()
    assert upstream.paths.count("/keys") == 2
    _a_minute_later()
    upstream.answer("/keys", b"<html>", status=503)
    with pytest.raises(ProviderUnavailable):
        provider().verify(sign(native(), kid="made-up"), nonce=NONCE)
    make_up()
    assert upstream.paths.count("/keys") == 3, "nor where it does not answer"
    assert provider().verify(sign(native()), nonce=NONCE).openid, "and the keys that we have go on being good"


def _a_minute_later() -> None:
    for kept in id_tokens._kept.values():
        kept.asked -= id_tokens.PAUSE


@pytest.mark.parametrize("keys", [[], None, "x", [jwk("one", rsa_key()), jwk("one", rsa_key("two"))]])
def test_without_one_key_of_that_name_nobody_signs_in(
    provider: Callable[[], IdTokenProvider], upstream: Upstream, keys: object
) -> None:
    upstream.answer("/keys", {"keys": keys})
    with pytest.raises(ProviderUnavailable):
        bring(provider, upstream, sign(good()))


def test_a_token_need_not_name_the_only_key(provider: Callable[[], IdTokenProvider], upstream: Upstream) -> None:
    upstream.answer("/keys", {"keys": [jwk("one", rsa_key()), jwk("elliptic", ec_key())]})
    token = raw('{"alg":"RS256"}', json.dumps(good()))
    assert bring(provider, upstream, token) == "24400320"


def test_keys_that_come_late_are_waited_for_no_longer_than_the_deadline(
    provider: Callable[[], IdTokenProvider], upstream: Upstream, phonebind: Configure
) -> None:
    phonebind(total_timeout=0.3)
    upstream.answers["/keys"].delay = LATE
    with Stopwatch() as watch, pytest.raises(ProviderUnavailable):
        provider().verify(sign(native()), nonce=NONCE)
    assert watch.seconds < 0.7
