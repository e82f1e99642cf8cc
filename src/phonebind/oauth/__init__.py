"""Identity providers. A new provider needs one file and its line in ``KINDS``."""

import functools
from collections.abc import Mapping
from typing import Any, cast

from django.utils.module_loading import import_string

from phonebind.conf import conf
from phonebind.exceptions import ProviderUnknown, Text
from phonebind.oauth.base import Grant, Identity, NativeProvider, Profile, Provider, WebProvider, Widget
from phonebind.options import make

__all__ = [
    "KINDS",
    "Grant",
    "Identity",
    "NativeProvider",
    "Profile",
    "Provider",
    "WebProvider",
    "Widget",
    "elsewhere",
    "get",
    "label",
    "native",
    "ways",
    "web",
]

#: The providers by their words in ``PROVIDERS``. Each is imported at its first use: some need a library that others do
#: not need.
KINDS: Mapping[str, str] = {
    "qq": "phonebind.oauth.qq.QQ",
    "wechat_web": "phonebind.oauth.wechat_web.WeChatWeb",
    "wechat_oa": "phonebind.oauth.wechat_oa.WeChatOfficialAccount",
    "wechat_app": "phonebind.oauth.wechat_app.WeChatApp",
    "wechat_miniprogram": "phonebind.oauth.wechat_miniprogram.WeChatMiniProgram",
    "qq_app": "phonebind.oauth.qq_app.QQApp",
    "weibo": "phonebind.oauth.weibo.Weibo",
    "apple": "phonebind.oauth.apple.Apple",
    "alipay": "phonebind.oauth.alipay.Alipay",
    "oidc": "phonebind.oauth.oidc.OpenIDConnect",
}


def get(name: str) -> Provider:
    """The provider with this name in ``PROVIDERS``, for one request. Raises ProviderUnknown if there is none."""
    if name not in conf.providers:
        raise ProviderUnknown
    entry: Any = conf.providers[name]
    if not isinstance(entry, Mapping):
        raise TypeError("it must be a mapping.")
    word = entry.get("provider", name)
    path = KINDS.get(word, word)
    if "." not in path:
        raise ProviderUnknown
    made = _class(path)
    options = {key: value for key, value in entry.items() if key != "provider"}
    return made(make(made.settings_class, options), name)


def web(name: str) -> WebProvider:
    """The same, for a provider to which a browser goes. Raises ProviderUnknown for any other."""
    found = get(name)
    if not isinstance(found, WebProvider) or not found.settings.redirect_uri:
        raise ProviderUnknown
    return found


def native(name: str) -> NativeProvider:
    """The same, for a provider whose proof an app brings. Raises ProviderUnknown for any other.

    An entry whose proof is a code is either for browsers or for apps. The ``state`` ties a browser's code to that
    browser. An app has no ``state``: anyone who found a code in an address could use it here.
    """
    found = get(name)
    if not isinstance(found, NativeProvider):
        raise ProviderUnknown
    if isinstance(found, WebProvider) and found.proof == "code" and found.settings.redirect_uri:
        raise ProviderUnknown
    return found


def ways(user_agent: str) -> list[WebProvider]:
    """The providers that work in this browser, in the order of ``PROVIDERS``.

    In the app of a provider, that provider comes first, and others of its family are left out: in WeChat the official
    account is shown and the QR code is not.
    """
    here = [each for each in _all_web() if each.works_in(user_agent)]
    at_home = [each for each in here if each.is_home(user_agent)]
    families = {each.family for each in at_home}
    return at_home + [each for each in here if each.family not in families]


def elsewhere(user_agent: str) -> list[WebProvider]:
    """The providers that need another browser, if no other provider of their family works in this one."""
    every = _all_web()
    families = {each.family for each in every if each.works_in(user_agent)}
    return [each for each in every if each.family not in families]


def label(family: str, app_id: str = "") -> Text:
    """What people call the provider. It is the family's name if the provider is no longer configured. ``app_id`` tells
    issuers apart.
    """
    found = [each for each in map(get, conf.providers) if each.family == family]
    return next((each.label for each in found if each.app_id == app_id), found[0].label if found else family)


def is_configured(family: str, app_id: str) -> bool:
    """Whether a person with such an identity can still sign in with it."""
    return any((each.family, each.app_id) == (family, app_id) for each in map(get, conf.providers))


def _all_web() -> list[WebProvider]:
    found = [get(name) for name in conf.providers]
    return [each for each in found if isinstance(each, WebProvider) and each.settings.redirect_uri]


@functools.cache
def _class(path: str) -> type[Provider]:
    return cast("type[Provider]", import_string(path))
