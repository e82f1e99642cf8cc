from collections.abc import Iterable
from typing import ClassVar

from phonebind.oauth import qq_connect
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import OPENID, UNIONID, Answer, Upstream

APP_ID = "1100000001"

#: (code, who must fix it)
CODES: tuple[tuple[int, Repair], ...] = (
    *((code, "user") for code in (100007, 100013, 100014, 100015, 100016)),
    # Perhaps the operator must fix it, if the token is of another app. That is not certain, so there is no ERROR.
    *((code, "provider") for code in (100001, 100002, 100008, 100009, 100011)),
    *((code, "provider") for code in (100017, 100021, 100030, 1, 999999)),
)


class QQApp(Driver):
    kind = "qq_app"
    settings = {"client_id": APP_ID, "unionid": True}  # noqa: RUF012
    openid = OPENID
    other_openid = "B" * 32
    unionid = UNIONID
    never: ClassVar[frozenset[Repair]] = frozenset({"operator"})
    path = qq_connect.ME

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        me = {"client_id": APP_ID, "openid": openid} | ({"unionid": unionid} if unionid else {})
        upstream.answer(qq_connect.ME, me)
        upstream.answer(qq_connect.PROFILE, {"ret": 0, "msg": "", "nickname": nickname})
        return f"T0KEN{openid}"

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for code, repair in CODES:
            yield str(code), repair, Answer(b'{"error":%d,"error_description":"no"}' % code)

    def foreign(self, upstream: Upstream) -> str:
        token = self.person(upstream, self.openid)
        upstream.answer(qq_connect.ME, {"client_id": "101000001", "openid": self.openid})
        return token

    def useless(self) -> Iterable[bytes]:
        yield b'{"client_id":"%s"}' % APP_ID.encode()

    def parsers(self) -> Iterable[object]:
        return [qq_connect.parse]


DRIVER = QQApp()
