"""The key pairs of tokens, from the environment. Faults are noted without the key."""

from importlib import import_module
from typing import Any

from server import demo
from server import environment as env

_END = "-----END PUBLIC KEY-----"


def signing() -> dict[str, str]:
    """The part of ``SIMPLE_JWT`` from ``JWT_PRIVATE_KEY``; empty if that is not set, since then SECRET_KEY signs."""
    name, pem = "JWT_PRIVATE_KEY", _pem(env.text("JWT_PRIVATE_KEY", ""))
    if not pem:
        return {}
    if any(known in pem for known in demo.SECRETS_OF_PROVIDERS["private_key"]):
        env.note(f"{name} has the demo's key, which everybody knows.")
        return {}
    verifying = _reader().of_private(name, pem)
    return {"ALGORITHM": verifying.algorithm, "SIGNING_KEY": pem, "VERIFYING_KEY": verifying.pem} if verifying else {}


def others() -> list[tuple[str, str]]:
    """``JWT_PUBLIC_KEYS``: former public keys, and one that will sign soon; each with its algorithm."""
    name, pems = "JWT_PUBLIC_KEYS", _pem(env.text("JWT_PUBLIC_KEYS", ""))
    found = [_reader().of_public(name, pem + _END) for pem in pems.split(_END) if pem.strip()]
    return [key for key in found if key]


def _reader() -> Any:
    """Imported only if there is a key: it needs cryptography, which a site without key pairs may not have."""
    return import_module("server.pem")


def _pem(text: str) -> str:
    """Some systems allow no line breaks in a variable, so "\\n" stands for one."""
    return text.replace("\\n", "\n")
