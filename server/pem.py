"""PEM keys for the settings of tokens. Faults are noted without the key."""

from typing import Any, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from phonebind import jwk
from server import environment as env

_KINDS = "P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 bits and more (RS256)"
_MAKE_A_KEY = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem"


class Verifying(NamedTuple):
    """A public key for ``SIMPLE_JWT`` and ``TOKEN_KEYS``."""

    algorithm: str
    pem: str


def of_private(name: str, pem: str) -> Verifying | None:
    """The public half of a private key. ``name``: the variable with the key, for the fault."""
    try:
        public = load_pem_private_key(pem.encode(), password=None).public_key()
    except (TypeError, ValueError, UnsupportedAlgorithm):  # in this order: with a password, broken, of an unknown kind
        env.note(f"{name} is no private key in PEM without a password. Make one: {_MAKE_A_KEY}")
        return None
    return _verifying(name, public)


def of_public(name: str, pem: str) -> Verifying | None:
    """Like :func:`of_private`, from a public key."""
    try:
        return _verifying(name, load_pem_public_key(pem.encode()))
    except (ValueError, UnsupportedAlgorithm):
        env.note(f"{name} is no public key in PEM. To make it of a private key: openssl pkey -pubout -in private.pem")
        return None


def _verifying(name: str, public: Any) -> Verifying | None:
    match public:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            algorithm = "ES256"
        case ed25519.Ed25519PublicKey():
            algorithm = "EdDSA"
        case rsa.RSAPublicKey(key_size=size) if size >= jwk.LEAST_RSA:
            algorithm = "RS256"
        case _:
            env.note(f"{name} has a key that is none of {_KINDS}.")
            return None
    return Verifying(algorithm, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
