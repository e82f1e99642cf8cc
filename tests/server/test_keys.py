"""The key pair of tokens, from the environment of the reference server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from server import demo, environment, keys
from tests.server.test_settings import PRODUCTION, run
from tests.support.key_pairs import key_pair, of

pytestmark = pytest.mark.once

#: ``told(JWT_PRIVATE_KEY="…")``
Told = Callable[..., str]
PAIR, NEXT = key_pair("ES256", 1), key_pair("ES256", 2)
_KEYS = "[s.SIMPLE_JWT.get(n) for n in ('ALGORITHM', 'SIGNING_KEY', 'VERIFYING_KEY')]"
SHOW = f"import json; from server import settings as s; print(json.dumps([{_KEYS}, s.PHONEBIND['TOKEN_KEYS']]))"


def settings(**environ: str) -> Any:
    """The key that signs, and the other keys that verify."""
    done = run(SHOW, **PRODUCTION, **environ)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The error line that ends the start, for a variable's value; "" if there is none."""

    def tell(**environ: str) -> str:
        monkeypatch.setattr(environment, "_faults", {})
        with monkeypatch.context() as context:
            for name, value in environ.items():
                context.setenv(name, value)
            keys.signing(), keys.others()
            try:
                environment.refuse()
            except SystemExit as end:
                [fault, _hint] = str(end.code).splitlines()
                return fault.removeprefix("phonebind: ")
        return ""

    return tell


def test_without_a_pair_secret_key_signs() -> None:
    assert settings() == [[None, None, None], []]
    assert settings(JWT_HS256="1") == [[None, None, None], []]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_the_algorithm_is_that_of_the_key(algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = key_pair(algorithm)
    file = tmp_path / "private.pem"
    file.write_text(pair.private)
    for name, value in (
        ("JWT_PRIVATE_KEY", pair.private),
        ("JWT_PRIVATE_KEY", pair.private.replace("\n", "\\n")),
        ("JWT_PRIVATE_KEY_FILE", str(file)),
    ):
        with monkeypatch.context() as context:
            context.setenv(name, value)
            found = keys.signing()
        assert found["SIGNING_KEY"].strip() == pair.private.strip()
        assert found | {"SIGNING_KEY": pair.private} == pair.settings


def test_public_keys_are_told_one_after_another(tmp_path: Path) -> None:
    pairs = [NEXT, key_pair("EdDSA"), key_pair("RS256")]
    file = tmp_path / "public.pem"
    file.write_text("# of 2026\n" + "\n".join(pair.public for pair in pairs))
    expected = [list(pair.verifies) for pair in pairs]
    whole = settings(JWT_PRIVATE_KEY=PAIR.private, JWT_PUBLIC_KEYS_FILE=str(file))
    assert whole == [["ES256", PAIR.private, PAIR.public], expected]
    assert settings(JWT_PUBLIC_KEYS="".join(pair.public for pair in pairs)) == [[None, None, None], expected]


def test_what_secret_key_has_signed_is_good_while_it_is_said() -> None:
    former = "an-older-one-" + PRODUCTION["SECRET_KEY"]
    secrets = {"JWT_PRIVATE_KEY": PAIR.private, "SECRET_KEY_FALLBACKS": former}
    assert settings(**secrets)[1] == []
    assert settings(**secrets, JWT_HS256="1")[1] == [["HS256", PRODUCTION["SECRET_KEY"]], ["HS256", former]]


def encrypted() -> str:
    key: Any = load_pem_private_key(PAIR.private.encode(), None)
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"horse")).decode())


BAD = {
    "nonsense": "a-secret-of-somebody-who-took-it-for-one",
    "public": PAIR.public,
    "half": PAIR.private[:-60],
    "encrypted": encrypted(),
    "certificate": PAIR.private.replace("PRIVATE KEY", "CERTIFICATE"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_threat_60_what_is_no_private_key_is_told_and_not_repeated(told: Told, name: str, tmp_path: Path) -> None:
    file = tmp_path / "private.pem"
    file.write_text(BAD[name])
    for variable, value in (("JWT_PRIVATE_KEY", BAD[name]), ("JWT_PRIVATE_KEY_FILE", str(file))):
        said = told(**{variable: value})
        assert said.startswith("JWT_PRIVATE_KEY is no private key in PEM without a password. Make one: openssl ")
        assert not any(line in said for line in BAD[name].splitlines() if "-----" not in line)


WEAK = {
    "RSA of 1024 bits": rsa.generate_private_key(65_537, 1024),  # noqa: S505
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "X25519": x25519.X25519PrivateKey.generate(),
    "DSA": dsa.generate_private_key(2048),
}


@pytest.mark.parametrize("kind", sorted(WEAK))
def test_threat_60_a_weak_or_a_strange_key_is_refused_a_former_one_too(told: Told, kind: str) -> None:
    pair = of(kind, WEAK[kind])
    for name, pem in (("JWT_PRIVATE_KEY", pair.private), ("JWT_PUBLIC_KEYS", NEXT.public + pair.public)):
        said = told(**{name: pem})
        assert said.startswith(f"{name} has a key that is none of P-256 (ES256), ")
        assert pem.splitlines()[1] not in said


@pytest.mark.parametrize("pem", [PAIR.private, "key-of-somebody", NEXT.public + PAIR.private, NEXT.public[:-40]])
def test_threat_60_public_keys_that_are_none_are_told_and_not_repeated(told: Told, pem: str) -> None:
    said = told(JWT_PUBLIC_KEYS=pem)
    assert said.startswith("JWT_PUBLIC_KEYS is no public key in PEM. ")
    assert not any(line in said for line in pem.splitlines() if "-----" not in line)


def test_a_file_that_cannot_be_read_is_told(told: Told, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("JWT_PRIVATE_KEY_FILE", "JWT_PUBLIC_KEYS_FILE"):
        assert told(**{name: str(tmp_path / "none")}) == f"{name} cannot be read: FileNotFoundError."
        assert told(**{name: str(tmp_path)}) == f"{name} cannot be read: IsADirectoryError."
        assert told(**{name: str(tmp_path / "binary")}) == f"{name} cannot be read: UnicodeDecodeError."


def test_any_secret_may_be_in_a_file(tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "QQ_CLIENT_SECRET", "REDIS_URL"):
        (tmp_path / name).write_text(PRODUCTION[name] + "\n")
    (tmp_path / "SMS_OPTIONS").write_text('{"key": "a"}\n')
    files = {f"{file.name}_FILE": str(file) for file in tmp_path.iterdir()}
    found = "s.SECRET_KEY, s.PHONEBIND['SMS']['key'], s.CACHES['default']['LOCATION']"
    show = f"from server import settings as s; print({found})"
    done = run(show, **{name: value for name, value in PRODUCTION.items() if f"{name}_FILE" not in files}, **files)
    assert done.stdout.split() == [PRODUCTION["SECRET_KEY"], "a", PRODUCTION["REDIS_URL"]], done.stderr


def test_a_fault_ends_the_start_with_its_line() -> None:
    done = run(SHOW, **PRODUCTION, JWT_PRIVATE_KEY=PAIR.public)
    assert done.returncode == 1
    assert done.stderr.startswith("phonebind: JWT_PRIVATE_KEY is no private key in PEM")


def test_threat_22_the_demos_key_is_refused(told: Told) -> None:
    said = told(JWT_PRIVATE_KEY=demo.APPLE_PRIVATE_KEY)
    assert said == "JWT_PRIVATE_KEY has the demo's key, which everybody knows."
