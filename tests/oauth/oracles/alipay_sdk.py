"""What python-alipay-sdk signs, verifies and sends. It runs in ``.oracles`` and uses no code of ours.

Reads a JSON list of questions, each ``{"ask": one of ASK, ...}``, and prints the list of their answers.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from alipay import AliPay
from alipay.exceptions import AliPayException, AliPayValidationError


def sign(fields: dict[str, str], **keys: str) -> str:
    """The query with its ``sign``."""
    return str(_sdk(**keys).sign_data(fields))


def verified(body: str, node: str, **keys: str) -> Any:
    """The node of an answer, or the exception that was raised."""
    return _told(lambda: _sdk(**keys)._verify_and_return_sync_response(body, node))


def call(gateway: str, method: str, fields: dict[str, str], **keys: str) -> Any:
    sdk = _sdk(**keys)
    sdk._gateway = gateway
    return _told(
        lambda: sdk.verified_sync_response(sdk.build_body(method, **fields), f"{method.replace('.', '_')}_response")
    )


def _told(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except AliPayValidationError:
        return {"raised": "signature"}
    except AliPayException as error:
        return {"raised": json.loads(str(error).partition("message:")[2])}


def _sdk(app_id: str, private_key: str, public_key: str) -> Any:
    return AliPay(
        appid=app_id,
        app_private_key_string=f"-----BEGIN PRIVATE KEY-----\n{private_key}\n-----END PRIVATE KEY-----",
        alipay_public_key_string=f"-----BEGIN PUBLIC KEY-----\n{public_key}\n-----END PUBLIC KEY-----",
    )


ASK: Mapping[str, Callable[..., object]] = {"sign": sign, "verified": verified, "call": call}


def main() -> None:
    questions = json.load(sys.stdin)
    sys.stdout.write(json.dumps([ASK[question.pop("ask")](**question) for question in questions]))


if __name__ == "__main__":
    main()
