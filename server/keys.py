"""The key pairs of tokens, out of the environment. What is wrong with one is noted, without the key."""

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
from server import demo
from server import environment as env

_KINDS = "P-256 (ES256), Ed25519 (EdDSA), or RSA of 2048 bits and more (RS256)"
_END = "-----END PUBLIC KEY-----"


class Verifying(NamedTuple):
    """A public key, as ``SIMPLE_JWT`` and ``TOKEN_KEYS`` take it."""

    algorithm: str
    pem: str


def signing() -> dict[str, str]:
    """What ``JWT_PRIVATE_KEY`` makes of ``SIMPLE_JWT``; nothing where it is not set, and SECRET_KEY signs."""
    name, pem = "JWT_PRIVATE_KEY", _pem(env.text("JWT_PRIVATE_KEY", ""))
    if not pem:
        return {}
    if any(known in pem for known in demo.SECRETS_OF_PROVIDERS["private_key"]):
        env.note(f"{name} has the demo's key, which everybody knows.")
        return {}
    try:
        public = load_pem_private_key(pem.encode(), password=None).public_key()
    except (TypeError, ValueError, UnsupportedAlgorithm):  # in this order: it has a password, is broken, is strange
        env.note(f"{name} is no private key in PEM without a password. Make one: {_MAKE_A_KEY}")
        return {}
    verifying = _verifying(name, public)
    return {"ALGORITHM": verifying.algorithm, "SIGNING_KEY": pem, "VERIFYING_KEY": verifying.pem} if verifying else {}


def others() -> list[Verifying]:
    """``JWT_PUBLIC_KEYS``: of former keys, and of one that is to sign soon."""
    name, pems = "JWT_PUBLIC_KEYS", _pem(env.text("JWT_PUBLIC_KEYS", ""))
    found = []
    for pem in pems.split(_END):
        if not pem.strip():
            continue
        try:
            found.append(_verifying(name, load_pem_public_key((pem + _END).encode())))
        except (ValueError, UnsupportedAlgorithm):
            env.note(f"{name} has what is no public key in PEM. Of a private one: openssl pkey -pubout -in private.pem")
    return [key for key in found if key]


def _pem(text: str) -> str:
    """Some systems keep no line breaks in a variable."""
    return text.replace("\\n", "\n")


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


_MAKE_A_KEY = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem"
