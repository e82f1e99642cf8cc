"""What Aliyun's SDKs sign and would send. It runs in ``.oracles`` and uses no code of ours.

Reads a JSON list of questions, each ``{"ask": one of ASK, ...}``, and prints the list of their answers.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from alibabacloud_dypnsapi20170525 import client as dypnsapi
from alibabacloud_dypnsapi20170525 import models as dypnsapi_models
from alibabacloud_dysmsapi20170525 import client as dysmsapi
from alibabacloud_dysmsapi20170525 import models as dysmsapi_models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.core import DaraCore
from darabonba.request import DaraRequest

ALGORITHM = "ACS3-HMAC-SHA256"

_PRODUCTS: Mapping[str, tuple[ModuleType, ModuleType]] = {
    "dysmsapi": (dysmsapi, dysmsapi_models),
    "dypnsapi": (dypnsapi, dypnsapi_models),
}
_METHODS = {
    "SendSms": "send_sms",
    "SendSmsVerifyCode": "send_sms_verify_code",
    "QuerySendDetails": "query_send_details",
}


def form(fields: dict[str, str]) -> str:
    """A form as the SDK writes it."""
    return str(Utils.to_form(fields))


def authorization(headers: dict[str, str], query: dict[str, str], body: str, key_id: str, secret: str) -> str:
    """The authorization header for all of these headers."""
    request = DaraRequest()
    request.method, request.pathname, request.query, request.headers = "POST", "/", query, headers
    digest = Utils.hash(body.encode(), ALGORITHM).hex()
    return str(Utils.get_authorization(request, ALGORITHM, digest, key_id, secret))


def rpc(parameters: dict[str, str], method: str, secret: str) -> str:
    """The ``Signature`` of version 1."""
    return str(Utils.get_rpcsignature(parameters, method, secret))


class _Caught(BaseException):
    """Raised in place of sending. The SDK catches every Exception, so this is a BaseException."""


def call(product: str, action: str, fields: dict[str, Any], key_id: str, secret: str) -> dict[str, Any]:
    """The whole request of an action, as the SDK would send it to Aliyun."""
    caught: list[DaraRequest] = []

    def catch(request: DaraRequest, _runtime: object = None) -> None:
        caught.append(request)
        raise _Caught

    config = Config(access_key_id=key_id, access_key_secret=secret, region_id="cn-hangzhou")
    with _delivering(catch):
        try:
            _act(product, action, fields, config)
        except _Caught:
            [request] = caught
            return {name: getattr(request, name) for name in ("method", "pathname", "query", "headers", "body")}
    raise AssertionError("nothing was sent")


def send(product: str, action: str, fields: dict[str, Any], key_id: str, secret: str, url: str) -> dict[str, Any]:
    """What the SDK returns for the answer of the server at the URL. For a refusal that it raises, the code."""
    place, deliver = urlsplit(url), DaraCore.do_action

    def deliver_there(request: DaraRequest, runtime: object = None) -> object:
        # The SDK has a host and no path. A request that it signs for the host is sent to the path.
        request.pathname = place.path
        return deliver(request, runtime)

    config = Config(access_key_id=key_id, access_key_secret=secret, endpoint=place.netloc, protocol=place.scheme)
    with _delivering(deliver_there):
        try:
            answer: dict[str, Any] = _act(product, action, fields, config).body.to_map()
        except AlibabaCloudException as refused:
            return {"raised": refused.code}
    return answer


@contextmanager
def _delivering(how: Callable[..., object]) -> Iterator[None]:
    before, DaraCore.do_action = DaraCore.do_action, how
    try:
        yield
    finally:
        DaraCore.do_action = before


def _act(product: str, action: str, fields: dict[str, Any], config: Config) -> Any:
    client, models = _PRODUCTS[product]
    request = getattr(models, f"{action}Request")().from_map(fields)
    return getattr(client.Client(config), _METHODS[action])(request)


ASK: Mapping[str, Callable[..., object]] = {
    "form": form,
    "authorization": authorization,
    "rpc": rpc,
    "call": call,
    "send": send,
}


def main() -> None:
    questions = json.load(sys.stdin)
    sys.stdout.write(json.dumps([ASK[question.pop("ask")](**question) for question in questions]))


if __name__ == "__main__":
    main()
