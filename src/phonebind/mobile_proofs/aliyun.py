"""Aliyun 号码认证 (DYPNS), ``GetMobile``:
https://help.aliyun.com/zh/pnvs/developer-reference/api-dypnsapi-2017-05-25-getmobile

Aliyun's SDK gives the app the token. It covers mobile numbers of the mainland, of all three carriers.
"""

from dataclasses import dataclass
from typing import ClassVar

from phonebind import acs3
from phonebind.mobile_proofs.base import Vendor
from phonebind.oauth import Identity, answers

ENDPOINT = "https://dypnsapi.aliyuncs.com"
API = ("GetMobile", "2017-05-25")


@dataclass(frozen=True, kw_only=True, repr=False)
class Aliyun(Vendor):
    """``access_key_id`` and ``access_key_secret``: those of a RAM user that is only allowed ``dypns:GetMobile``."""

    name: ClassVar[str] = "Aliyun"
    words: ClassVar[tuple[str, ...]] = ("access_key_id", "access_key_secret")
    user: ClassVar[str] = "isv.TOKEN_INVALID isv.TOKEN_UNAUTHORIZED_USED isv.ACCESS_CODE_ILLEGAL isv.CSRF_CHECK_FAILED"
    operator: ClassVar[str] = (
        "isv.VERIFY_SCHEME_NOT_EXIST isv.PACK_SIGN_CONFLICT isv.BUNDLE_ID_CONFLICT isv.RAM_PERMISSION_DENY "
        "isv.PRODUCT_UN_SUBSCRIPT isv.OUT_OF_SERVICE isv.ACCOUNT_* isv.INVALID_* isp.OPERATOR_LIMIT "
        "InvalidAccessKeyId* SignatureDoesNotMatch InvalidTimeStamp* Forbidden*"
    )

    access_key_id: str
    access_key_secret: str
    endpoint: str = ENDPOINT

    def verify(self, token: str, identity: Identity, *, carrier: str = "") -> str:
        keys = (self.access_key_id, self.access_key_secret)
        headers, body = acs3.sign_now(self.endpoint, API, {"AccessToken": token}, keys)
        answer = self.ask(self.endpoint, body, headers)
        code = answers.text(answer, "Code")
        if code != "OK":
            self.refuse(code)
        return self.number(answers.text(answer, "GetMobileResultDTO", "Mobile"))
