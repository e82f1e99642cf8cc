"""Aliyun 号码百科, ``DescribePhoneTwiceTelVerify``:
https://help.aliyun.com/zh/cpns/developer-reference/api-dytnsapi-2020-02-17-describephonetwicetelverify

Aliyun must approve an application first. ``Code`` "OK" with a ``VerifyResult`` other than 0 is billed. The list is a
week late, and numbers of virtual operators are not in it. Two facts are not verified, since no account of ours has the
permission: that ``StartTime`` is China's time, and whether ``VerifyResult`` is a number or a text. The code reads both.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from urllib.parse import urlsplit

from phonebind import acs3, alarms, upstream
from phonebind.conf import SETTING, development
from phonebind.lifecycle.exceptions import NumberStateUnavailable
from phonebind.lifecycle.number_state.base import State
from phonebind.oauth import answers

ENDPOINT = "https://dytnsapi.aliyuncs.com"
API = ("DescribePhoneTwiceTelVerify", "2020-02-17")
CHINA = timezone(timedelta(hours=8))

#: 1: the number has a new owner. 2: it has the same owner. 3: it has no owner at the moment. 0: Aliyun cannot tell.
_MEANS: dict[str, State] = {"0": "unknown", "1": "recycled", "2": "same", "3": "recycled"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Aliyun:
    """The keys belong to a RAM user with the single permission ``dytns:DescribePhoneTwiceTelVerify``. ``auth_code`` is
    the code of the approved application. Numbers are sent as SHA-256.
    """

    access_key_id: str
    access_key_secret: str
    auth_code: str
    endpoint: str = ENDPOINT

    def check(self) -> list[str]:
        words = ("access_key_id", "access_key_secret", "auth_code")
        wrong = [word for word in words if not isinstance(getattr(self, word), str) or not getattr(self, word)]
        problems = [f"{word} must be a str, and not empty" for word in wrong]
        scheme = urlsplit(str(self.endpoint)).scheme
        if scheme != "https" and not (development() and scheme == "http"):
            problems.append("endpoint is not https")
        return problems

    def since(self, mobile: str, moment: datetime) -> State:
        form = {
            "AuthCode": self.auth_code,
            "InputNumber": sha256(mobile.encode()).hexdigest(),
            "Mask": "SHA256",
            "StartTime": moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
        }
        keys = (self.access_key_id, self.access_key_secret)
        headers, body = acs3.sign_now(self.endpoint, API, form, keys)
        try:
            answer = answers.read(upstream.exchange(self.endpoint, body, headers, upstream.Deadline()).body)
        except upstream.UpstreamError as error:
            raise _unavailable(str(error)) from None
        code = answers.text(answer, "Code")
        if code != "OK":
            refusal = _unavailable("it refuses the request" if code else "no readable answer")
            refusal.answered = bool(code)
            raise refusal
        state = _MEANS.get(answers.text(answer, "Data", "VerifyResult"))
        if state is None:
            raise _unavailable("an unknown VerifyResult")
        return state


def _unavailable(reason: str) -> NumberStateUnavailable:
    if alarms.is_due("number state of Aliyun unavailable"):
        logger.warning("Aliyun cannot tell the state of numbers: %s. See %s['NUMBER_STATE'].", reason, SETTING)
    return NumberStateUnavailable()
