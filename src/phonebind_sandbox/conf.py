"""The settings of the sandbox: ``PHONEBIND_SANDBOX = {"APPS": {client_id: {...}}, "CACHE": alias, "RECEIPTS":
{vendor: url}}``. Also the ids and secrets that clients must use.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from . import names

#: A private key that everyone may know: it has no use outside the sandbox.
APPLE_PRIVATE_KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg47Ex3txHTHn9ghyE
8RWiFDlicDs3j3BDyviknguM1wShRANCAATrPogUVKKoVxR2t89Joe65QIc5QOXP
KWFMI2g+OlVhjz3MSeGdEloj6O4Q29B1wX65KC18Rz5jvqVvJQSpqvvd
-----END PRIVATE KEY-----
"""

DEFAULT_APPS: Mapping[str, Mapping[str, Any]] = {
    "101000001": {"secret": "sandbox-secret", "unionid": True},
    "101000002": {"secret": "sandbox-secret-2", "unionid": False},
    "101000003": {"secret": "sandbox-secret-3", "unionid": True},
    "1100000001": {"kind": "qq_app", "secret": "sandbox-qq-app-secret", "unionid": True},
    "1100000002": {"kind": "qq_app", "secret": "sandbox-qq-app-secret-2"},
    "100000001": {"kind": "weibo", "secret": "sandbox-weibo-secret"},
    "100000002": {"kind": "weibo", "secret": "sandbox-weibo-secret-2"},
    # ``unionid``: the app is bound to an account of WeChat's Open Platform. ``developer`` names this account.
    "wx1111111111111111": {"kind": "wechat_web", "secret": "sandbox-wechat-web", "unionid": True},
    "wx2222222222222222": {"kind": "wechat_oa", "secret": "sandbox-wechat-oa", "unionid": True},
    "wx3333333333333333": {"kind": "wechat_app", "secret": "sandbox-wechat-app", "unionid": True},
    "wx4444444444444444": {"kind": "wechat_miniprogram", "secret": "sandbox-wechat-mini", "unionid": True},
    # A Services ID. The developer is the team. The secret is the text of the .p8 file.
    "example.sandbox.web": {
        "kind": "apple",
        "developer": "SANDBOX001",
        "secret": APPLE_PRIVATE_KEY,
        "options": {"key_id": "SANDBOXKEY", "bundle_ids": ["example.sandbox.app"]},
    },
    "sandbox-oidc": {"kind": "oidc", "secret": "sandbox-oidc-secret", "options": {"native": ["sandbox-oidc-app"]}},
    # Alipay identifies apps by keys. An app without "public_key" in its options has the key in alipay_keys.py.
    "2021000000000001": {"kind": "alipay", "secret": "", "unionid": True},
    "2021000000000002": {"kind": "alipay", "secret": ""},
}

#: The only captcha, and the account that may verify its tickets.
CAPTCHA_APP_ID = 190000001
CAPTCHA_SECRET_KEY = "sandbox-captcha-secret"  # noqa: S105
CLOUD_SECRETS: Mapping[str, str] = {"sandbox-secret-id": "sandbox-secret-key"}

#: The credentials of the only customer of the SMS vendors. Tencent's account is the same as for the captcha.
ALIYUN_SECRETS: Mapping[str, str] = {"sandbox-access-key-id": "sandbox-access-key-secret"}
TENCENT_SMS_APP_ID = "1400000001"
#: The applications of Tencent's one-tap sign-in, and their keys.
TENCENT_ONE_TAP_KEYS: Mapping[str, str] = {"1400000002": "sandbox-one-tap-key"}
YUNTONGXUN_TOKENS: Mapping[str, str] = {"sandbox-account-sid": "sandbox-auth-token"}
YUNTONGXUN_APP_ID = "sandbox-app-id"
HTTP_SMS_SECRET = "whsec_c2FuZGJveC1odHRwLWdhdGV3YXktc2VjcmV0"  # noqa: S105

#: The vendors that push receipts.
PUSHING = ("aliyun", "aliyun-pnvs", "tencent", "http")

REDIRECT_URI_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class App:
    """An app registered with an emulated provider.

    ``kind``: the provider ("qq"). ``options``: settings that only this kind has. ``unionid``: whether the app has the
    permission for it. Apps with the same ``developer`` see the same unionid of a person.

    Without ``redirect_uris``, every URL is accepted whose host is this machine, with any port: localhost, and the names
    that ``names`` resolves to this machine. The real provider accepts neither localhost nor ports, so a developer
    cannot use it on a laptop. That is why the sandbox exists.
    """

    client_id: str
    secret: str
    unionid: bool = False
    developer: str = "developer"
    redirect_uris: tuple[str, ...] = ()
    kind: str = "qq"
    options: Mapping[str, Any] = field(default_factory=dict)

    def accepts(self, redirect_uri: str) -> bool:
        """Whether host and path are registered. The query does not matter."""
        url = _split(redirect_uri)
        if url is None:
            return False
        if self.redirect_uris:
            return any(_place(url) == _place(urlsplit(registered)) for registered in self.redirect_uris)
        return names.leads_here(url.hostname or "")


def apps(kind: str = "") -> dict[str, App]:
    """All apps, or the apps of one kind, by client id, in the order of the setting.

    If the host names no app of a kind, the default apps of this kind are used.
    """
    named = {client_id: _app(client_id, options) for client_id, options in _setting("APPS", {}).items()}
    kinds = {app.kind for app in named.values()}
    ours = (_app(client_id, options) for client_id, options in DEFAULT_APPS.items())
    every = named | {app.client_id: app for app in ours if app.kind not in kinds}
    return {client_id: app for client_id, app in every.items() if kind in ("", app.kind)}


def _app(client_id: str, options: Mapping[str, Any]) -> App:
    return App(client_id=client_id, **{**options, "redirect_uris": tuple(options.get("redirect_uris", ()))})


def cache_alias() -> str:
    alias: str = _setting("CACHE", "default")
    return alias


def receipts() -> Mapping[str, str]:
    """The receipt URL of each vendor. Only the operator sets these URLs; a request cannot."""
    urls: Mapping[str, str] = _setting("RECEIPTS", {})
    return urls


def is_address(url: str) -> bool:
    """Whether receipts can be sent to this URL."""
    return bool((found := _split(url)) and found.hostname)


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, "PHONEBIND_SANDBOX", {}).get(name, default)


def _split(redirect_uri: str) -> SplitResult | None:
    # Browsers treat a backslash as a slash and skip control characters. urlsplit does not. So neither is allowed.
    if len(redirect_uri) > REDIRECT_URI_LENGTH or not re.fullmatch(r"https?://[!-\[\]-~]+", redirect_uri):
        return None
    try:
        url = urlsplit(redirect_uri)
        url.port  # noqa: B018 - raises ValueError when it is not a number
    except ValueError:
        return None
    return None if "#" in redirect_uri or "@" in url.netloc else url


def _place(url: SplitResult) -> tuple[str, str]:
    return url.netloc.lower(), url.path
