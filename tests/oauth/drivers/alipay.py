import base64
import json
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from phonebind.oauth import alipay, rsa2
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import Answer, Upstream

#: Two key pairs, as in production: ours, and that of the server that answers.
OURS = rsa.generate_private_key(65537, 2048)
THEIRS = rsa.generate_private_key(65537, 2048)

TOKEN_NODE = "alipay_system_oauth_token_response"

#: (code, sub_code, who must fix it)
CODES: tuple[tuple[str, str, Repair], ...] = (
    ("40002", "isv.code-invalid", "user"),
    ("20001", "aop.invalid-auth-token", "user"),
    ("20001", "aop.auth-token-time-out", "user"),
    ("40002", "isv.invalid-signature", "operator"),
    ("40001", "isv.missing-signature", "operator"),
    ("40002", "isv.invalid-app-id", "operator"),
    ("40002", "isv.invalid-timestamp", "operator"),
    ("40006", "isv.insufficient-isv-permissions", "operator"),
    ("40006", "isv.something-new", "operator"),
    ("40001", "isv.missing-method", "operator"),
    ("20000", "isp.unknow-error", "provider"),
    ("20000", "aop.unknow-error", "provider"),
    ("40004", "isv.something-new", "provider"),
    ("", "", "provider"),
)


def private_text(key: rsa.RSAPrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """The private key as the console's key tool writes it."""
    return base64.b64encode(key.private_bytes(Encoding.DER, form, NoEncryption())).decode()


def public_text(key: rsa.RSAPrivateKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, form)).decode()


def signature(raw: bytes, key: rsa.RSAPrivateKey = THEIRS) -> str:
    return base64.b64encode(key.sign(raw, padding.PKCS1v15(), hashes.SHA256())).decode()


def signed(node: str, value: dict[str, Any]) -> bytes:
    """An answer as Alipay writes it: slashes are escaped, Chinese is not."""
    raw = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/").encode()
    return b'{"%s":%s,"sign":"%s"}' % (node.encode(), raw, signature(raw).encode())


class Alipay(Driver):
    kind = "alipay"
    settings = {  # noqa: RUF012
        "client_id": "2021000000000009",
        "redirect_uri": "https://shop.example/login/alipay/callback/",
        "private_key": private_text(OURS),
        "alipay_public_key": public_text(THEIRS),
    }
    openid = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5"
    other_openid = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo6"
    unionid = "U074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo"
    secrets = ("authusrB0123456789abcdef", private_text(OURS)[100:160])
    path = alipay.GATEWAY

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        token = {"access_token": self.secrets[0], "expires_in": 1296000, "open_id": openid}
        upstream.answer(self.path, signed(TOKEN_NODE, token | ({"union_id": unionid} if unionid else {})))
        return "4b203fe6c11548bcabd8da5bb087a83b"

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for node in ("error_response", TOKEN_NODE):
            for code, sub_code, repair in CODES:
                # The same error in the other node would be logged as an alarm only one minute later.
                if (node, repair) != (TOKEN_NODE, "operator") and (code or node == "error_response"):
                    body = signed(node, {"code": code, "msg": "no", "sub_code": sub_code, "sub_msg": "不行"})
                    yield f"{node} {code} {sub_code}", repair, Answer(body)

    def foreign(self, upstream: Upstream) -> None:
        return None

    def useless(self) -> Iterable[bytes]:
        good = signed(TOKEN_NODE, {"access_token": "T", "open_id": self.openid})
        yield good.replace(b'"sign"', b'"sing"')
        yield good.replace(self.openid.encode(), self.other_openid.encode())
        yield good.replace(TOKEN_NODE.encode(), b"alipay_user_info_share_response")
        yield signed(TOKEN_NODE, {"access_token": "T"})
        yield signed(TOKEN_NODE, {"access_token": "T", "open_id": None, "user_id": True})
        yield signed("error_response", {"access_token": "T", "open_id": self.openid, "code": "10000"})

    def parsers(self) -> Iterable[object]:
        return [rsa2.members]


DRIVER = Alipay()
