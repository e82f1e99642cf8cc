"""WeChat's official accounts (公众号, 服务号): for pages that people open inside of WeChat."""

from collections.abc import Mapping
from typing import Any

from phonebind.exceptions import SnapshotUser
from phonebind.oauth.base import Grant, Profile
from phonebind.oauth.wechat import NO_PERMISSION, USERINFO, WeChatPage, errcode

#: Asks nobody, and tells the openid alone.
SILENT = "snsapi_base"
#: Asks; or, where nobody has tapped, shows the page as a snapshot and answers with somebody who does not exist.
ASKING = "snsapi_userinfo"


class WeChatOfficialAccount(WeChatPage):
    kind = "wechat_oa"
    home = "MicroMessenger"
    page = "/connect/oauth2/authorize"
    scope = ASKING
    takes_any_state = False

    @property
    def asks_profile_first(self) -> bool:
        # All snapshots' users may have one unionid, and the flag may be missing.
        return self.settings.scope != SILENT

    def check(self) -> list[str]:
        return [] if self.settings.scope in ("", SILENT, ASKING) else [f"scope must be '{ASKING}' or '{SILENT}'."]

    def works_in(self, user_agent: str) -> bool:
        # WeCom calls itself by both names, and cannot.
        return "MicroMessenger" in user_agent and "wxwork" not in user_agent

    def profile(self, grant: Grant) -> Profile:
        return Profile() if self.settings.scope == SILENT else super().profile(grant)

    def checked(self, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == USERINFO and errcode(answer) == NO_PERMISSION:
            # We did ask for the permission. So WeChat answers for a snapshot's user, whose flag it may forget.
            raise SnapshotUser
        return super().checked(path, answer)
