"""Key pairs for tokens, generated for each run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm


@dataclass(frozen=True)
class KeyPair:
    """Both halves in PEM, as operators have them."""

    algorithm: str
    private: str
    public: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings of simplejwt on a node where this pair signs."""
        return {"ALGORITHM": self.algorithm, "SIGNING_KEY": self.private, "VERIFYING_KEY": self.public}

    @property
    def verifies(self) -> tuple[str, str]:
        """An entry of ``TOKEN_KEYS``."""
        return self.algorithm, self.public


_KINDS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "RS256": lambda: rsa.generate_private_key(65_537, 2048),
}


@cache
def key_pair(algorithm: str = "ES256", number: int = 1) -> KeyPair:
    """The same pair for the same number."""
    return of(algorithm, _KINDS[algorithm]())


def of(algorithm: str, key: Any) -> KeyPair:
    """The pair in PKCS 8, as ``openssl genpkey`` writes it."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(algorithm, private.decode(), public.decode())


def public_jwk(pem: str) -> dict[str, str]:
    """The JWK of a public key, which can be made from the key alone."""
    key: Any = load_pem_public_key(pem.encode())
    match key:
        case rsa.RSAPublicKey():
            found = RSAAlgorithm.to_jwk(key, as_dict=True)
        case ec.EllipticCurvePublicKey():
            found = ECAlgorithm.to_jwk(key, as_dict=True)
        case _:
            found = OKPAlgorithm.to_jwk(key, as_dict=True)
    return {name: found[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in found}
