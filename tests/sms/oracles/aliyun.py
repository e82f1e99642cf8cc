"""What Aliyun's SDKs sign and would send: runs in ``.oracles``, and knows nothing of ours.

Reads a JSON list of questions, each ``{"ask": one of ASK, ...}``, and prints the list of their answers.
"""

import json
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from alibabacloud_dypnsapi20170525 import client as dypnsapi
from alibabacloud_dypnsapi20170525 import models as dypnsapi_models
from alibabacloud_dysmsapi20170525 import client as dysmsapi
from alibabacloud_dysmsapi20170525 import models as dysmsapi_models
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.core import DaraCore
from darabonba.request import DaraRequest

ALGORITHM = "ACS3-HMAC-SHA256"

_SERVICES: Mapping[str, tuple[ModuleType, ModuleType]] = {
    "SendSms": (dysmsapi, dysmsapi_models),
    "SendSmsVerifyCode": (dypnsapi, dypnsapi_models),
}


def form(fields: dict[str, str]) -> str:
    """As the SDK writes one."""
    return str(Utils.to_form(fields))


def authorization(headers: dict[str, str], query: dict[str, str], body: str, key_id: str, secret: str) -> str:
    """The header of that name, over all of these headers."""
    request = DaraRequest()
    request.method, request.pathname, request.query, request.headers = "POST", "/", query, headers
    digest = Utils.hash(body.encode(), ALGORITHM).hex()
    return str(Utils.get_authorization(request, ALGORITHM, digest, key_id, secret))


def rpc(parameters: dict[str, str], method: str, secret: str) -> str:
    """The ``Signature`` of version 1."""
    return str(Utils.get_rpcsignature(parameters, method, secret))


class _Caught(BaseException):
    """In place of sending it; the SDK catches every Exception."""


def call(action: str, fields: dict[str, Any], key_id: str, secret: str) -> dict[str, Any]:
    """The whole request of an action, as it would be sent."""
    caught: list[DaraRequest] = []

    def catch(request: DaraRequest, _runtime: object = None) -> None:
        caught.append(request)
        raise _Caught

    DaraCore.do_action = catch
    try:
        _send(action, fields, Config(access_key_id=key_id, access_key_secret=secret, region_id="cn-hangzhou"))
    except _Caught:
        [request] = caught
        return {name: getattr(request, name) for name in ("method", "pathname", "query", "headers", "body")}
    raise AssertionError("nothing was sent")


def _send(action: str, fields: dict[str, Any], config: Config) -> Any:
    service, models = _SERVICES[action]
    request = getattr(models, f"{action}Request")().from_map(fields)
    method = {"SendSms": "send_sms", "SendSmsVerifyCode": "send_sms_verify_code"}[action]
    return getattr(service.Client(config), method)(request)


ASK: Mapping[str, Callable[..., object]] = {"form": form, "authorization": authorization, "rpc": rpc, "call": call}


def main() -> None:
    questions = json.load(sys.stdin)
    sys.stdout.write(json.dumps([ASK[question.pop("ask")](**question) for question in questions]))


if __name__ == "__main__":
    main()
