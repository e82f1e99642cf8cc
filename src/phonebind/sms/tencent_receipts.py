"""Receipts of Tencent Cloud 短信.

Tencent pushes them, unsigned (https://cloud.tencent.com/document/api/382/5807), or returns them by
``PullSmsSendStatusByPhoneNumber`` (https://cloud.tencent.com/document/api/382/52068).

Each carrier has its own codes, hundreds of them (https://cloud.tencent.com/document/product/382/3771). A pushed receipt
has a code and a description in Chinese. A pulled one has only one of them. The words of the description decide first,
then the few codes that all carriers share. Neither is stored or logged.
"""

from typing import Any

from phonebind import mobiles
from phonebind.sms.receipt_codes import each
from phonebind.sms.receipts import Expected, Receipt
from phonebind.sms.vendor import text

_CARRIER = "carrier"
#: Words by reason. The first reason with a matching word counts, because a description may name several causes:
#: "关机/停机/空号".
_WORDS = (
    ("off", "关机 停机 不在服务区 无法接通 欠费 暂停服务"),
    ("number", "空号 号码不存在 号码错误 号码格式"),
    ("blocked", "黑名单 退订 拒收 拒绝接收 频率 超频 超限 上限"),
    ("full", "内存 存储 已满"),
    (_CARRIER, "签名 报备 关键字 关键词 敏感 违规 内容"),
)
_CODES = {
    **dict.fromkeys(["002", "EXPIRED", "UNDELIV", "MK:0005", "MK:0010", "MK:0013", "MK:0023"], "off"),
    **dict.fromkeys(["MBBLACK", "DBBLACK"], "blocked"),
    "MK:0001": "number",
    "-106": _CARRIER,
}
_ADVICE = {
    "签名": "sign_name is not filed with the carriers, or they block it: see its state in the console",
    "报备": "sign_name is not filed with the carriers: see its state in the console",
}
_WORDS_ADVICE = "the carriers forbid words of the template or of sign_name"


def pushed(body: bytes) -> list[Receipt]:
    return each(body, _pushed)


def _pushed(row: Any) -> Receipt:
    told = (row["description"], row["errmsg"])
    return _receipt(text(row["sid"]), mobiles.clean(text(row["mobile"])), row["report_status"], *told)


def answered(answer: Any, sms: Expected) -> Receipt | None:
    response = answer["Response"]
    if "Error" in response:
        raise ValueError(response["Error"]["Code"])
    # There is a row only if the carrier has reported. It may belong to another SMS to the same phone.
    for row in response["PullSmsSendStatusSet"] or ():
        if row["SerialNo"] == sms.vendor_id:
            return _receipt(sms.vendor_id, sms.mobile, row["ReportStatus"], row["Description"])
    return None


def _receipt(vendor_id: str, mobile: str, status: Any, *told: Any) -> Receipt:
    if {"SUCCESS": True, "FAIL": False}[status]:
        return Receipt(vendor_id, mobile, "delivered")
    said = str(told[0])
    known = next((_CODES[code] for code in told if code in _CODES), "unknown")
    reason, word = next(
        ((reason, word) for reason, words in _WORDS for word in words.split() if word in said), (known, "")
    )
    advice = _ADVICE.get(word, _WORDS_ADVICE) if reason == _CARRIER else ""
    return Receipt(vendor_id, mobile, "failed", reason, advice)
