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
    """The provider with that name in ``PROVIDERS``, for one request. Raises ProviderUnknown if there is none."""
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
    """As :func:`get`, for a provider that a browser goes to. Raises ProviderUnknown for any other."""
    found = get(name)
    if not isinstance(found, WebProvider) or not found.settings.redirect_uri:
        raise ProviderUnknown
    return found


def native(name: str) -> NativeProvider:
    """As :func:`get`, for a provider whose proof an app sends. Raises ProviderUnknown for any other.

    An entry whose proof is a code is either for browsers or for apps, not for both. A browser's code works only in that
    browser, because of its state. This function checks no state, so anyone who finds such a code could use it here.
    """
    found = get(name)
    if not isinstance(found, NativeProvider):
        raise ProviderUnknown
    if isinstance(found, WebProvider) and found.proof == "code" and found.settings.redirect_uri:
        raise ProviderUnknown
    return found


def ways(user_agent: str) -> list[WebProvider]:
    """The providers that work in this browser, in the order of ``PROVIDERS``.

    In the browser of a provider's own app, that provider comes first, and the others of its family are left out: the
    official account stays, and the QR code does not.
    """
    here = [each for each in _all_web() if each.works_in(user_agent)]
    at_home = [each for each in here if each.is_home(user_agent)]
    families = {each.family for each in at_home}
    return at_home + [each for each in here if each.family not in families]


def elsewhere(user_agent: str) -> list[WebProvider]:
    """The providers that need another browser, unless another one of their family works in this browser."""
    every = _all_web()
    families = {each.family for each in every if each.works_in(user_agent)}
    return [each for each in every if each.family not in families]


def label(family: str, app_id: str = "") -> Text:
    """The name that people use for a provider. ``app_id`` tells issuers of one family apart.

    It is the name of the family if the settings no longer have that provider: bindings outlive it.
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
