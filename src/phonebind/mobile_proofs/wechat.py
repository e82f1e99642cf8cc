"""The phone button of a WeChat mini program: its ``code`` of ``getPhoneNumber`` is exchanged at WeChat."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from phonebind import oauth
from phonebind.exceptions import (
    CodeInvalid,
    MobileProofInvalid,
    MobileProofUnavailable,
    ProviderUnavailable,
    ProviderUnknown,
)
from phonebind.oauth import Identity


@runtime_checkable
class HasMobiles(Protocol):
    """A provider that can give the mobile numbers of the people who sign in with it."""

    def mobile(self, code: str, openid: str) -> str:
        """The mobile number: 11 digits. Raises CodeInvalid, ProviderUnavailable."""


@dataclass(frozen=True, kw_only=True, repr=False)
class WeChat:
    """``provider`` is the name of the mini program in ``PROVIDERS``.

    ``strength`` may be "realtime" only if the mini program has no other button than ``getRealtimePhoneNumber``: the
    answer does not say which button it was.
    """

    provider: str = "wechat_miniprogram"
    strength: str = "quick"

    def check(self) -> list[str]:
        try:
            found = oauth.get(self.provider)
        except ProviderUnknown:
            return ["provider must be the name of a WeChat mini program in PROVIDERS"]
        problems = [] if isinstance(found, HasMobiles) else ["provider is not one that gives mobile numbers"]
        if self.strength not in ("quick", "realtime"):
            problems.append("strength must be 'quick' or 'realtime'")
        return problems

    def verify(self, token: str, identity: Identity, *, carrier: str = "") -> str:
        provider = oauth.get(self.provider)
        # WeChat compares the openid with the person's. An identity of another app has no openid of this app.
        is_of_this_app = (identity.provider, identity.app_id) == (provider.family, provider.app_id)
        if not is_of_this_app or not isinstance(provider, HasMobiles):
            raise MobileProofInvalid
        try:
            return provider.mobile(token, identity.openid)
        except CodeInvalid:
            raise MobileProofInvalid from None
        except ProviderUnavailable:
            raise MobileProofUnavailable from None
