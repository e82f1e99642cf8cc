from collections.abc import Iterable
from typing import Any

from phonebind.oauth import answers, wechat
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import Answer, Upstream

#: (code, who must fix it)
CODES: tuple[tuple[int, Repair], ...] = (
    *((code, "user") for code in (40029, 40163, 42003, 41008, 40030, 42002, 42007, 50001, 42001, 40226, 50002)),
    *((code, "operator") for code in (40001, 40125, 40013, 41002, 41004, 40002)),
    *((code, "operator") for code in (40164, 40188, 43104, 48001, 48004, 61004, 61007, 89501, 89503, 89506, 89507)),
    *((code, "provider") for code in (45011, 45009, -1, 1, 999999)),
)


class WeChat(Driver):
    """What all kinds of WeChat have in common."""

    openid = "oAbC0000000000000000-00000_1"
    other_openid = "oaBc0000000000000000-00000_1"
    unionid = "oUnI0000000000000000000000001"
    secrets = ("82_T0KEN", "c2Vzc2lvbg==", "82_REFRESH")
    path = wechat.TOKEN

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        names = {"openid": openid} | ({"unionid": unionid} if unionid else {})
        token = {"access_token": "82_T0KEN", "expires_in": 7200, "refresh_token": "82_REFRESH", "scope": "snsapi_login"}
        upstream.answer(wechat.TOKEN, token | names)
        upstream.answer(wechat.USERINFO, {**names, "nickname": nickname, "sex": 0, "headimgurl": "", "privilege": []})
        return "0a1BC0DE"

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for code, repair in CODES:
            yield str(code), repair, Answer(b'{"errcode":%d,"errmsg":"no, rid: 65f00001-2b3c4d5e-00000001"}' % code)

    def foreign(self, upstream: Upstream) -> None:
        return None

    def useless(self) -> Iterable[bytes]:
        yield b'{"errcode":0,"errmsg":"ok"}'
        yield b'{"errcode":"many","openid":"oAbC0000000000000000000000001"}'
        yield b'{"errcode":40029.5,"access_token":"82_T0KEN"}'

    def parsers(self) -> Iterable[Any]:
        return [lambda body: wechat.errcode(answers.read(body))]


class WeChatWeb(WeChat):
    kind = "wechat_web"
    settings = {  # noqa: RUF012
        "client_id": "wx0000000000000001",
        "client_secret": "the-secret-of-a-website",
        "redirect_uri": "https://shop.example/login/wechat_web/callback/",
        "lang": "cn",
        "embedded": False,
    }


DRIVER = WeChatWeb()
