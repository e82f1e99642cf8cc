"""Aliyun 短信服务 (Dysmsapi), ``SendSms``:
https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms

For companies. Aliyun reviews the signature and the template. A repeated request sends a second SMS.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from phonebind.sms.aliyun_api import AliyunApi
from phonebind.sms.base import Message
from phonebind.sms.templates import Ids
from phonebind.sms.vendor import Call

ENDPOINT = "https://dysmsapi.aliyuncs.com"


@dataclass(frozen=True, kw_only=True, repr=False)
class Aliyun(AliyunApi):
    """``params``: a code template has only the code as a variable. Its own text must say how long the code is valid."""

    name: ClassVar[str] = "aliyun"
    console: ClassVar[str] = "https://dysms.console.aliyun.com"
    words: ClassVar[Sequence[str]] = ("access_key_id", "access_key_secret", "sign_name")

    access_key_id: str
    access_key_secret: str
    sign_name: str
    templates: Ids
    params: Mapping[str, str] = field(default_factory=lambda: {"code": "code"})
    endpoint: str = ENDPOINT

    def call(self, message: Message) -> Call:
        form = {
            "PhoneNumbers": message.mobile,
            "SignName": self.sign_name,
            "TemplateCode": self.filled.id(message),
            "TemplateParam": json.dumps(self.filled.named(message), separators=(",", ":")),
            "OutId": message.id,
        }
        return self.signed("SendSms", form)
