"""RSA2, the signatures of Alipay: SHA-256 with RSA (PKCS #1 v1.5). Parameters are signed as text, answers as bytes.

Source: opendocs.alipay.com, "如何使用 RSA2 签名", "自行实现验签".
"""

import base64
import functools
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
except ImportError as error:
    raise ImportError("cryptography is not installed: pip install 'phonebind[alipay]'") from error

#: The size of key that Alipay's console requires.
BITS = 2048

#: The console writes bare base64, other tools write PEM, and some environments write a line break as two characters.
_AROUND_BASE64 = re.compile(r"-----[A-Z ]+-----|\\n|\s")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)


class Member(NamedTuple):
    """The value of one member of a JSON object, and the bytes in which it is written."""

    value: Any
    raw: bytes


def sign(params: Mapping[str, str], key: str) -> str:
    """The signature of a request in base64. Empty parameters are not signed."""
    content = "&".join(f"{name}={value}" for name, value in sorted(params.items()) if value)
    return base64.b64encode(private_key(key).sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(raw: bytes, signature: object, key: str) -> bool:
    """Whether the owner of the public ``key`` signed exactly these bytes."""
    try:
        public_key(key).verify(base64.b64decode(str(signature)), raw, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def members(body: bytes) -> Mapping[str, Member]:
    """The members of a JSON object; empty for anything else, and if two members have the same name. Never raises.

    Alipay signs the bytes of one member. JSON that is decoded and encoded again has other bytes: ``\\/`` becomes ``/``.

    >>> members(rb'{"a": {"url":"https:\\/\\/x"}, "sign":"S"}')["a"].raw
    b'{"url":"https:\\\\/\\\\/x"}'
    """
    # surrogateescape keeps bytes that are not UTF-8 unchanged through decoding and encoding.
    text = body.decode(errors="surrogateescape")
    try:
        return _members(text)
    except (ValueError, RecursionError):
        return {}


def _members(text: str) -> dict[str, Member]:
    found: dict[str, Member] = {}
    at = _after(text, 0, "{")
    while True:
        name, at = _DECODER.raw_decode(text, _after(text, at))
        start = _after(text, _after(text, at, ":"))
        value, at = _DECODER.raw_decode(text, start)
        if type(name) is not str or name in found:
            raise ValueError
        found[name] = Member(value, text[start:at].encode(errors="surrogateescape"))
        at = _after(text, at)
        if text[at : at + 1] == "}":
            break
        at = _after(text, at, ",")
    if _after(text, at, "}") != len(text.rstrip(" \t\r\n")):
        raise ValueError
    return found


def _after(text: str, at: int, mark: str = "") -> int:
    """The position after white space and ``mark``. Raises ValueError if ``mark`` is not there."""
    at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
    if not text.startswith(mark, at):
        raise ValueError
    return at + len(mark)


@functools.lru_cache(maxsize=16)
def private_key(text: str) -> rsa.RSAPrivateKey:
    """The key of PKCS #8 or PKCS #1, in PEM or bare base64.

    Raises ValueError, whose text contains nothing of the key.
    """
    try:
        found = load_der_private_key(_der(text), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, rsa.RSAPrivateKey) or found.key_size < BITS:
        raise ValueError(f"it is no private RSA key of {BITS} bits, in PEM or base64.")
    return found


@functools.lru_cache(maxsize=16)
def public_key(text: str) -> rsa.RSAPublicKey:
    """As :func:`private_key`, for a public key."""
    try:
        found = load_der_public_key(_der(text))
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, rsa.RSAPublicKey) or found.key_size < BITS:
        raise ValueError(f"it is no public RSA key of {BITS} bits, in PEM or base64.")
    return found


def _der(text: str) -> bytes:
    return base64.b64decode(_AROUND_BASE64.sub("", text), validate=True)
