"""Alipay's RSA2: SHA-256 with RSA, PKCS #1 v1.5. Keys are base64 without PEM lines, or PEM."""

import base64
import functools
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key


def sign(content: bytes, private_key: str) -> str:
    return base64.b64encode(_private(private_key).sign(content, padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(content: bytes, signature: str, public_key: str) -> bool:
    try:
        _public(public_key).verify(base64.b64decode(signature), content, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


@functools.cache
def _private(text: str) -> rsa.RSAPrivateKey:
    key = load_der_private_key(_der(text), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


@functools.cache
def _public(text: str) -> rsa.RSAPublicKey:
    key = load_der_public_key(_der(text))
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def _der(text: str) -> bytes:
    return base64.b64decode(re.sub(r"-----[A-Z ]+-----|\s", "", text))
