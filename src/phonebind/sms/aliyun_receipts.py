"""Receipts of Aliyun's two SMS products.

Both push them in one format, unsigned and possibly more than once: as ``SmsReport``
(https://help.aliyun.com/document_detail/101867.html) and ``DypnsSmsVerifyReport``
(https://help.aliyun.com/zh/pnvs/developer-reference/dypnssmsverifyreport-http). ``QuerySendDetails`` returns the
receipt of one SMS, in two formats.
"""

from datetime import datetime
from typing import Any

from phonebind import mobiles
from phonebind.sms.receipt_codes import Meanings, each
from phonebind.sms.receipts import Expected, Receipt
from phonebind.sms.vendor import BEIJING, text

#: ``MOBLLE`` is the vendor's spelling.
MEANINGS = Meanings(
    off="MOBILE_NOT_ON_SERVICE MOBILE_ACCOUNT_ABNORMAL",
    full="MOBLLE_TERMINAL_ERROR",
    blocked="MOBILE_IN_BLACK USER_REJECT MOBILE_SEND_LIMIT",
    number="INVALID_NUMBER",
    carrier={
        "sign_name is not filed with the carriers: see its state in the console": "PORT_NOT_REGISTERED",
        "the carriers block sign_name": "SIGNATURE_BLACKLIST",
        "the carriers forbid words of the template or of sign_name": "CONTENT_KEYWORD CONTENT_ERROR",
        "the vendor has no way to the carrier, or was given wrong parameters": "NO_ROUTE PARAMS_ILLEGAL IS_CLOSE",
    },
)

_FAILED, _DELIVERED = "2", "3"


def pushed(body: bytes) -> list[Receipt]:
    return each(body, _pushed)


def _pushed(row: Any) -> Receipt:
    vendor_id, mobile, code = text(row["biz_id"]), mobiles.clean(text(row["phone_number"])), text(row["err_code"])
    failed = MEANINGS.failed(vendor_id, mobile, code)
    return {True: Receipt(vendor_id, mobile, "delivered"), False: failed}[row["success"]]


def question(sms: Expected) -> dict[str, str]:
    """The parameters of ``QuerySendDetails``."""
    day = datetime.fromtimestamp(sms.sent_at, BEIJING).strftime("%Y%m%d")
    page = {"SendDate": day, "PageSize": "10", "CurrentPage": "1"}
    return {"PhoneNumber": sms.mobile, "BizId": sms.vendor_id, **page}


def answered(answer: Any, sms: Expected) -> Receipt | None:
    """The receipt in an answer of ``QuerySendDetails``. None if there is none yet.

    The ``Content`` of the answer shows the code, so only the fields that are read here may be used.
    """
    if answer["Code"] != "OK":
        raise ValueError(answer["Code"])
    rows = answer["Model"] if "Model" in answer else answer["SmsSendDetailDTOs"]["SmsSendDetailDTO"]
    for row in rows:
        if row.get("OutId", sms.id) != sms.id:
            continue
        if (status := str(row["SendStatus"])) == _DELIVERED:
            return Receipt(sms.vendor_id, sms.mobile, "delivered")
        if status == _FAILED:
            return MEANINGS.failed(sms.vendor_id, sms.mobile, text(row["ErrCode"]))
    return None
