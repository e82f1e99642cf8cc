"""Aliyun 短信认证 (PNVS), ``SendSmsVerifyCode``:
https://help.aliyun.com/zh/pnvs/developer-reference/api-dypnsapi-2017-05-25-sendsmsverifycode

Individuals can use it too: no licence and no review. The console lists the free signatures and templates. It sends to
mainland numbers.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from phonebind.sms.aliyun_api import AliyunApi
from phonebind.sms.base import Message
from phonebind.sms.templates import Ids
from phonebind.sms.vendor import Call

ENDPOINT = "https://dypnsapi.aliyuncs.com"
#: The free templates by purpose. All of them show the code and the minutes that it is valid.
TEMPLATES: Ids = {
    "bind": "100004",
    "sign_in": "100001",
    "change_mobile": "100002",
    "reset_password": "100003",
    "verify": "100005",
}
PARAMS = {"code": "code", "min": "minutes"}
#: Seconds between two SMS to one number. This must be shorter than our limit (``sms_mobile_gap``, 60), which begins a
#: moment earlier: a person who retries as soon as we allow it must not meet Aliyun's limit.
INTERVAL = 50


@dataclass(frozen=True, kw_only=True, repr=False)
class AliyunPnvs(AliyunApi):
    """``sign_name``: one of the free signatures. The code is ours: Aliyun neither makes nor checks it."""

    name: ClassVar[str] = "aliyun-pnvs"
    console: ClassVar[str] = "https://dypns.console.aliyun.com"
    words: ClassVar[Sequence[str]] = ("access_key_id", "access_key_secret", "sign_name")

    access_key_id: str
    access_key_secret: str
    sign_name: str
    templates: Ids = field(default_factory=lambda: TEMPLATES)
    params: Mapping[str, str] = field(default_factory=lambda: PARAMS)
    endpoint: str = ENDPOINT

    def call(self, message: Message) -> Call:
        form = {
            "CountryCode": "86",
            "PhoneNumber": message.mobile,
            "SignName": self.sign_name,
            "TemplateCode": self.filled.id(message),
            "TemplateParam": json.dumps(self.filled.named(message), separators=(",", ":")),
            "OutId": message.id,
            "Interval": str(INTERVAL),
            "DuplicatePolicy": "1",
        }
        return self.signed("SendSmsVerifyCode", form)
