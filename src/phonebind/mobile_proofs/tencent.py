"""Tencent Cloud 号码认证 (NVS), ``rapidauth/validate``: https://cloud.tencent.com/document/product/1129

Tencent's SDK gives the app the token and the name of the carrier.
"""

import json
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar
from urllib.parse import urlencode

from phonebind.exceptions import MobileProofInvalid
from phonebind.mobile_proofs.base import Vendor
from phonebind.oauth import Identity, answers

ENDPOINT = "https://yun.tim.qq.com/v5/rapidauth/validate"
CARRIERS = ("mobile", "unicom", "telecom")


@dataclass(frozen=True, kw_only=True, repr=False)
class Tencent(Vendor):
    """``sdk_app_id`` and ``app_key`` are those of the application in Tencent's console."""

    name: ClassVar[str] = "Tencent Cloud"
    words: ClassVar[tuple[str, ...]] = ("sdk_app_id", "app_key")
    #: A wrong signature, and a missing permission. The code of an expired token is not documented.
    operator: ClassVar[str] = "1001 1006"

    sdk_app_id: str
    app_key: str
    endpoint: str = ENDPOINT

    def verify(self, token: str, identity: Identity, *, carrier: str = "") -> str:
        if carrier not in CARRIERS:
            raise MobileProofInvalid
        random, now = str(secrets.randbelow(10**9)), str(int(time.time()))
        fields = {"sig": self._sig(random, now), "time": now, "carrier": carrier, "token": token}
        query = urlencode({"sdkappid": self.sdk_app_id, "random": random})
        body, headers = json.dumps(fields).encode(), {"Content-Type": "application/json"}
        answer = self.ask(f"{self.endpoint}?{query}", body, headers)
        result = answers.text(answer, "result")
        if result != "0":
            self.refuse(result)
        return self.number(answers.text(answer, "mobile"))

    def _sig(self, random: str, now: str) -> str:
        return sha256(f"appkey={self.app_key}&random={random}&time={now}".encode()).hexdigest()
