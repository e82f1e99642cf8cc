"""The receipts of SMS vendors: the answer of each to a send, what it pushes, and its answer to a question."""

import base64
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

from phonebind.sms.receipts import Expected

SECRET = "receipts_" + "s" * 32
VENDOR_ID = "900619746936498440^0"
MOBILE = "13900000001"
KEY = b"phonebind-secret-0123456789"

_ALIYUN = {
    "access_key_id": "testid-phonebind",
    "access_key_secret": "testsecret-phonebind",
    "sign_name": "示例商城",
}


@dataclass(frozen=True)
class Vendor:
    """``options``: the options of the gateway, without its address. ``sent``: the answer to a send that was
    accepted.
    """

    name: str
    options: dict[str, Any]
    sent: dict[str, Any]
    acknowledgement: dict[str, Any]

    def at(self, url: str) -> dict[str, Any]:
        return {"gateway": self.name, "endpoint": url, **self.options}

    def push(self, code: str = "", **changes: Any) -> tuple[bytes, dict[str, str]]:
        """Body and headers. ``code`` is the vendor's own error code; "" for an SMS that was delivered."""
        row = {**self._row(code), **changes}
        if self.name != "http":
            return json.dumps([row]).encode(), {}
        body = json.dumps(row).encode()
        return body, signed(body)

    def _row(self, code: str) -> dict[str, Any]:
        if self.name == "http":
            how = {"status": "failed", "reason": code} if code else {"status": "delivered"}
            return {"id": "a" * 20, "message_id": VENDOR_ID, "to": f"+86{MOBILE}", **how}
        if self.name == "tencent":
            how = {"report_status": "FAIL", "errmsg": "X:1", "description": code}
            good = {"report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功"}
            return {"nationcode": "86", "mobile": MOBILE, "sid": VENDOR_ID, **(how if code else good)}
        facts = {"phone_number": MOBILE, "biz_id": VENDOR_ID, "out_id": "a" * 20, "sms_size": "1"}
        return {**facts, "success": not code, "err_code": code or "DELIVERED", "err_msg": "words of the vendor"}


def signed(body: bytes, *, key: bytes = KEY, age: float = 0) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    stamp = str(int(time.time() - age))
    digest = hmac.digest(key, f"msg_1.{stamp}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            "aliyun-pnvs",
            _ALIYUN,
            {"Code": "OK", "Success": True, "Model": {"BizId": VENDOR_ID}},
            {"code": 0, "msg": "ok"},
        ),
        Vendor(
            "aliyun",
            {**_ALIYUN, "templates": "SMS_154950909"},
            {"Code": "OK", "Message": "OK", "BizId": VENDOR_ID},
            {"code": 0, "msg": "ok"},
        ),
        Vendor(
            "tencent",
            {
                "secret_id": "AKIDphonebind",
                "secret_key": "tsecretphonebind",
                "sdk_app_id": "1400006666",
                "sign_name": "示例商城",
                "templates": "1110",
            },
            {"Response": {"SendStatusSet": [{"SerialNo": VENDOR_ID, "Code": "Ok"}], "RequestId": "r"}},
            {"result": 0, "errmsg": "OK"},
        ),
        Vendor(
            "http",
            {"secret": f"whsec_{base64.b64encode(KEY).decode()}"},
            {"code": "ok", "message_id": VENDOR_ID},
            {"code": "ok"},
        ),
    )
}


def told(name: str, sms: Expected, status: str = "", code: str = "") -> dict[str, Any]:
    """The vendor's answer to a question about this SMS. ``status``: "waiting", "failed" or "delivered"; "" for a vendor
    that has no record of it.
    """
    if name == "tencent":
        row: dict[str, Any] = {"PhoneNumber": f"+86{sms.mobile}", "SerialNo": sms.vendor_id, "Description": code}
        row["ReportStatus"] = {"failed": "FAIL", "delivered": "SUCCESS"}.get(status)
        other = {**row, "SerialNo": "another", "ReportStatus": "SUCCESS"}
        rows = [other, row] if row["ReportStatus"] else []
        return {"Response": {"PullSmsSendStatusSet": rows, "RequestId": "r"}}
    row = {"Content": "【示例商城】您的验证码为123456", "ErrCode": code, "OutId": sms.id, "PhoneNum": sms.mobile}
    row["SendStatus"] = {"waiting": 1, "failed": 2, "delivered": 3}.get(status)
    rows = [{**row, "OutId": "another", "SendStatus": 3}, row] if status else []
    found = {"Model": rows} if name == "aliyun-pnvs" else {"SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}
    return {"Code": "OK", "Message": "OK", "TotalCount": len(rows), **found}
