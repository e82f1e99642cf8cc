from collections.abc import Iterable

from phonebind.oauth import qq, qq_connect
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import OPENID, UNIONID, Answer, Upstream

#: (code, who must fix it)
CODES: tuple[tuple[int, Repair], ...] = (
    *((code, "operator") for code in (100001, 100002, 100004, 100008, 100009, 100010, 100011)),
    *((code, "user") for code in (100005, 100018, 100019, 100020)),
    *((code, "provider") for code in (100013, 100021, 100030, 1, 999999)),
)


class QQ(Driver):
    kind = "qq"
    settings = {  # noqa: RUF012
        "client_id": "101000001",
        "client_secret": "the-secret-of-qq",
        "redirect_uri": "https://shop.example/login/qq/callback/",
        "unionid": True,
    }
    openid = OPENID
    other_openid = "B" * 32
    unionid = UNIONID
    secrets = ("T0KEN",)
    path = qq.TOKEN

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        upstream.person(openid, unionid, nickname)
        upstream.answer(qq.TOKEN, {"access_token": "T0KEN", "expires_in": 7776000, "openid": openid})
        return "C0DE"

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for code, repair in CODES:
            yield str(code), repair, Answer(b'{"error":%d,"error_description":"no"}' % code)

    def foreign(self, upstream: Upstream) -> str:
        code = self.person(upstream, self.openid)
        upstream.answer(qq.TOKEN, {"access_token": "T0KEN", "expires_in": 7776000})
        upstream.answer(qq_connect.ME, {"client_id": "101999999", "openid": self.openid})
        return code

    def parsers(self) -> Iterable[object]:
        return [qq_connect.parse]


DRIVER = QQ()
