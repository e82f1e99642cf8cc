"""WeChat's official accounts (公众号, 服务号): for pages that people open inside WeChat."""

from collections.abc import Mapping
from typing import Any

from phonebind.exceptions import SnapshotUser
from phonebind.oauth.base import Grant, Profile
from phonebind.oauth.wechat import NO_PERMISSION, USERINFO, WeChatPage, errcode

#: Shows no question, and gives only the openid.
SILENT = "snsapi_base"
#: Shows a question. If the visitor has not answered, WeChat may show the page as a snapshot, and returns a virtual
#: user.
ASKING = "snsapi_userinfo"


class WeChatOfficialAccount(WeChatPage):
    kind = "wechat_oa"
    home = "MicroMessenger"
    page = "/connect/oauth2/authorize"
    scope = ASKING
    takes_any_state = False

    @property
    def asks_profile_first(self) -> bool:
        # The virtual users of snapshots may all have the same unionid, and their flag may be missing.
        return self.settings.scope != SILENT

    def check(self) -> list[str]:
        return [] if self.settings.scope in ("", SILENT, ASKING) else [f"scope must be '{ASKING}' or '{SILENT}'."]

    def works_in(self, user_agent: str) -> bool:
        # WeCom's user agent contains both names, but this sign-in does not work there.
        return "MicroMessenger" in user_agent and "wxwork" not in user_agent

    def profile(self, grant: Grant) -> Profile:
        return Profile() if self.settings.scope == SILENT else super().profile(grant)

    def checked(self, path: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == USERINFO and errcode(answer) == NO_PERMISSION:
            # Our scope includes this permission. So this is the virtual user of a snapshot, whose flag WeChat may omit.
            raise SnapshotUser
        return super().checked(path, answer)
