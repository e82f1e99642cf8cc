from collections.abc import Iterable
from typing import Any

from phonebind.oauth import answers, weibo
from tests.oauth.drivers.base import Driver, Repair
from tests.support.edge import Answer, Upstream

APP_KEY = "100000001"
SECRET = "the-secret-of-weibo"
UID = "1000000001"
TOKEN = "2.00T0KEN"

#: (error, error_code, who must fix it), in the order of the wiki.
ERRORS: tuple[tuple[str, int, Repair], ...] = (
    ("token_used", 21314, "user"),
    ("token_expired", 21315, "user"),
    ("token_revoked", 21316, "user"),
    ("token_rejected", 21317, "user"),
    ("applications over the unaudited use restrictions", 21321, "operator"),
    ("redirect_uri_mismatch", 21322, "operator"),
    ("invalid_request", 21323, "operator"),
    ("invalid_client", 21324, "operator"),
    ("invalid_grant", 21325, "user"),
    ("unauthorized_client", 21326, "operator"),
    ("expired_token", 21327, "user"),
    ("unsupported_grant_type", 21328, "operator"),
    ("unsupported_response_type", 21329, "operator"),
    ("access_denied", 21330, "user"),
    ("temporarily_unavailable", 21331, "provider"),
    ("invalid_access_token", 21332, "user"),
    ("appkey permission denied", 21337, "operator"),
    ("sso package or signature", 21338, "operator"),
    ("System error", 10001, "provider"),
    ("Source paramter(appkey) is missing", 10006, "provider"),
    ("Invalid weibo user", 10013, "provider"),
    ("something new", 29999, "provider"),
)


def refusal(error: str, code: object, path: str = weibo.TOKEN) -> dict[str, Any]:
    """An error as the wiki shows one. The description may contain the code that was sent."""
    return {
        "error": error,
        "error_code": code,
        "request": path,
        "error_uri": path,
        "error_description": f"invalid authorization code:{SECRET}",
    }


class Weibo(Driver):
    kind = "weibo"
    settings = {  # noqa: RUF012
        "client_id": APP_KEY,
        "client_secret": SECRET,
        "redirect_uri": "https://shop.example/login/weibo/callback/",
    }
    openid = UID
    other_openid = "1000000002"
    secrets = (TOKEN,)
    path = weibo.TOKEN
    native_path = weibo.TOKEN_INFO

    def person(self, upstream: Upstream, openid: str, *, unionid: str | None = None, nickname: str = "小明") -> str:
        token = {"access_token": TOKEN, "remind_in": "157679999", "expires_in": 157679999, "uid": openid}
        upstream.answer(weibo.TOKEN, token | {"isRealName": "true"})
        info = {"uid": int(openid), "appkey": APP_KEY, "scope": "", "create_at": 1780000000, "expire_in": 157679}
        upstream.answer(weibo.TOKEN_INFO, info)
        avatar = "https://tvax1.sinaimg.cn/crop.0.0.1080.1080.180/a.jpg?KID=imgbed,tva&Expires=1780000000"
        upstream.answer(weibo.PROFILE, {"idstr": openid, "screen_name": nickname, "avatar_large": avatar})
        return f"C0DE{openid}"

    def app(self, upstream: Upstream, openid: str) -> tuple[str, str]:
        self.person(upstream, openid)
        return TOKEN, ""

    def refusals(self) -> Iterable[tuple[str, Repair, Answer]]:
        for error, code, repair in ERRORS:
            upstream = Upstream("")
            upstream.answer(self.path, refusal(error, code), status=400)
            yield error, repair, upstream.answers[self.path]

    def foreign(self, upstream: Upstream) -> None:
        return None  # for a code; the answer to a token names the app: test_weibo.py

    def useless(self) -> Iterable[bytes]:
        for uid in ('""', "0", '"0"', "-1", '"x1"', "1.5", "true", '"1\\n"', "1" * 20, '"１"'):
            yield f'{{"access_token":"2.00T0KEN","uid":{uid}}}'.encode()

    def parsers(self) -> Iterable[object]:
        return [answers.read, lambda body: weibo.error_number(answers.read(body))]


DRIVER = Weibo()
