"""容联云通讯 (Yuntongxun), ``SMS/TemplateSMS``, with which many shops in China learned to send SMS:
https://doc.yuntongxun.com

``reqId`` prevents a second SMS for one id: the vendor refuses a repeat within the same day of the account.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any, ClassVar

from phonebind.sms.base import Message
from phonebind.sms.templates import Ids, TemplateVendor
from phonebind.sms.vendor import BEIJING, CLOCK, Call, Codes, Reading, rest_of_the_day, text

ENDPOINT = "https://app.cloopen.com:8883"

_TOO_OFTEN, _SAME_CONTENT = "160038", "160056"


@dataclass(frozen=True, kw_only=True, repr=False)
class Yuntongxun(TemplateVendor):
    """``account_sid``, ``auth_token`` and ``app_id`` are in the console, at the top of the first page."""

    name: ClassVar[str] = "yuntongxun"
    console: ClassVar[str] = "https://console.yuntongxun.com"
    words: ClassVar[Sequence[str]] = ("account_sid", "auth_token", "app_id")
    kind: ClassVar[type] = Sequence
    codes: ClassVar[Codes] = Codes(
        # 160054: the vendor already has this id, so it accepted an earlier request of ours.
        sent="000000 160054",
        number="160013 160042 160034 160068 160072 160073 160074 160051",
        limit="160038 160039 160040 160041 160056",
        not_now="",
        operator={
            f"auth_token is wrong, or {CLOCK}": "111109",
            "account_sid is unknown or disabled: compare it with the console": "111141",
            "app_id is unknown, or its application is not online: see the console": "111181",
            "the application or the account may not send: see the console": "1123* 113302",
            "the balance is used up: pay in the console": "160014",
            "templates names no approved template of this application: compare it with the console": (
                "160032 160036 160043"
            ),
            "the template has words that the vendor forbids: change it in the console": "160033 160049",
            "params does not fit the template's variables: compare it with the template in the console": "160052",
            "this server's address is not allowed: add it to the application's list in the console": "160053",
            "the vendor refuses our reqId: please report this as a bug of phonebind": "160055",
        },
    )

    account_sid: str
    auth_token: str
    app_id: str
    templates: Ids
    params: Sequence[str] = ("code", "minutes")
    endpoint: str = ENDPOINT

    def call(self, message: Message) -> Call:
        fields = {
            "to": message.mobile,
            "appId": self.app_id,
            "templateId": self.filled.id(message),
            "datas": self.filled.in_order(message),
            "reqId": message.id,
        }
        return self._signed("SMS/TemplateSMS", json.dumps(fields, ensure_ascii=False).encode())

    def _signed(self, function: str, body: bytes) -> Call:
        stamp = datetime.now(BEIJING).strftime("%Y%m%d%H%M%S")
        secret = f"{self.account_sid}{self.auth_token}{stamp}".encode()
        signature = md5(secret, usedforsecurity=False).hexdigest().upper()
        url = f"{self.endpoint.rstrip('/')}/2013-12-26/Accounts/{self.account_sid}/{function}?sig={signature}"
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json;charset=utf-8",
            "Authorization": base64.b64encode(f"{self.account_sid}:{stamp}".encode()).decode(),
        }
        return Call(url, body, headers)

    def read(self, answer: Any) -> Reading:
        code = text(answer["statusCode"])
        if self.codes.kinds.get(code) == "limit":
            return Reading(code, retry_after=60 if code in (_TOO_OFTEN, _SAME_CONTENT) else rest_of_the_day())
        message_id = (answer.get("templateSMS") or {}).get("smsMessageSid")
        return Reading(code, message_id if isinstance(message_id, str) else None)

    def question(self) -> Call:
        return self._signed("AccountInfo", b"")

    def left(self, answer: Any) -> list[tuple[str, str]]:
        code = text(answer["statusCode"])
        if self.codes.kinds.get(code) != "sent":
            raise self.untold(code)
        return [("account", f"{float(answer['Account']['balance']):.2f} yuan")]
