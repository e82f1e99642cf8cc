"""The demo's values in place of secrets. They are public, so they are refused with DEBUG off."""

from typing import Any

SECRET_KEY = "demo-only-4d9f0c3b7a61e852-not-a-secret-at-all-4d9f0c3b7a61e852"  # noqa: S105
QQ_CLIENT_ID = "101000001"
QQ_CLIENT_SECRET = "sandbox-secret"  # noqa: S105

#: The key of the only Apple team in the sandbox.
APPLE_PRIVATE_KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg47Ex3txHTHn9ghyE
8RWiFDlicDs3j3BDyviknguM1wShRANCAATrPogUVKKoVxR2t89Joe65QIc5QOXP
KWFMI2g+OlVhjz3MSeGdEloj6O4Q29B1wX65KC18Rz5jvqVvJQSpqvvd
-----END PRIVATE KEY-----
"""
OIDC_CLIENT_SECRET = "sandbox-oidc-secret"  # noqa: S105

#: The token that a Prometheus beside the demo sends.
METRICS_TOKEN = "demo-metrics-token-everybody-knows"  # noqa: S105

#: It signs the HTTP gateway's requests to the sandbox.
HTTP_SECRET = "whsec_c2FuZGJveC1odHRwLWdhdGV3YXktc2VjcmV0"  # noqa: S105

#: The private key signs our requests to the sandbox's Alipay. The public key verifies its answers.
ALIPAY_PRIVATE_KEY = (
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCjE+zcOVthjhURiBOaCd03ZqIIx409WeOlipMvOGalfl4AyQhJMQwBU64HVw"
    "dpAzdM8lihJhtZfjyPNkbDe6synrjaB4HdYkIPGpRe+IalFKdvm2zo6uJfZgVUP5ifVXAnhM/0AvMlF9+ooF5k97gkDwDG2/QkWyKAGnP208Cm"
    "0NEiUlulwG1caUtB/4tA/PRPcfH1GjrZqmFbsQ+GHOFEHjDVAauhZiJBPoEcLKr1lhCnVxrgqx6VjPpqwpbefrLpsGA3eZ56CWYEpC1PLnJk1l"
    "O+rrIug1FH5XpcLyuJ9xOpX5irEgXhQeJbwhxWHRLOC1DOHFFwOQa0XPJ88Df1AgMBAAECggEAPF7keTR8mVVVhFt5UjWjoN5MTu684UD1LvPp"
    "f/ojudFZsHW7rQjMtnMJgmsb8arAnqo62FF4n31FowjHUpfmLUOoEALmdxPoe5nt4mijw9otD/qca2+E5ScqAuHWOOoSrnaS23T6GTnI0S6pMz"
    "ynfSXWtkd4Drt0PrNMScxjTf15DbUXxjxN5SVTju11upUWV2CbxGXS57jbVQlwgkfAH6ulpkRJJKBpu+jkETguzJ42QYANWpJisNQiCCKZRMMC"
    "4/XT8Pa5scaZYly24FUmgCrfKy9hsLRMg6vNbWyaprWd0ls7uGPVqYcgP+B/aqOyxo7+o9ikqEkikA0jrw6sgwKBgQDexQWgsbYsRDzRHhVgpc"
    "lQ6oO71BSsfXMCmJ+pi4DlAxhTahXC58xpt66reiqCwQLz83rHPM6NZRZJT4KftGB6UM0fier1fczhG0+kXI44icyXsmyIuBIDiJ24jyVPizZm"
    "ZlJOwcd4FgGWSwZlepULGJhMlpioj0GsY2foEo2n9wKBgQC7Z27e2MCmR8vmilxnGUPIfTc8+3TqXttSZYIrTHNo6oyEW2KEMdNvUNL1mRmjwI"
    "Q0Mu/P3Sj5eC91cxi9ldvFKXWgd+0vkSDYfemzp77X8BL9eRv1+uM6YpibvmyQfTjzMuhAXwrU5eQiu/1utB6b55fnMjLStjPPctuPpldccwKB"
    "gDvCpODX66PyZlI+/MMhlmDzmIVRvn4LZUgEA4jrGJfW/baa1d2ka0zM7rmnmzHab11cKsq6ADskLBdckhEfxWXquSxFxlc2+ThGKFZSUgDOzq"
    "i/P6hpoMN76buyAvNUyDIuLtRb3ZPUa3aTB9M/UC5a2bhqCefmDlsdi6lRGNk/AoGAfa/nSgpxWpQ4iowtYPAu594jGAFF7pJj4iU2YjfKB4mX"
    "aIWp0yNfvP6mHhXqfkr139RxxiV7/6S9n7Xr1+sUFG2z+EW2i/p33vrDrLxKYKUg92Msf5Mept/NnlbelSGG+oUgA1w69YKhuTH/zSl8he+Tj3"
    "m5YFzW7sEHxJY5bUUCgYEAkytqaXfmBJ8CUf+7caaVJPp1GRPIkkF7dU8Rg1zVyBd0Dzu5ZsXA70Ksh0E9IJqCKo44fGU44XHJhXXOtwhlPmGn"
    "ZP9Ncc7BYaOBnbn4G/jda1v/M0z+ZIStRXz+/L532wk3R6yo6V5StBTKS4IXP2EuLEYSjXDqqDtis6xcF5A="
)
ALIPAY_PUBLIC_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq0mhhmIsGQ0gZ2cw+Qu0TSt9/3hXux0OZuVLfuHTxqxv9GWBwSkFI/GGqmHvJBI4sY"
    "g7trpcCcVwAIjwrr4EByq6FnVT0WIUkrV+GtxB02Z73Zb7uzNxRIjn5P3HgeBlfe4jF5Upml+egXoRUTN1zobnCWeciiTWIaMF0VzOXjgkMhvG"
    "hYTVk11aiN7Lswo7lr1ZLESsfkDdpNEdMk2dpUq5TJmmwm4rLHIp9yWiTdwf297fkQk/AO2TtugYccp1D5oAAge5HurMnvxGRUjBff0zrAXDyW"
    "G1S53mCJ0BnMvnFgxrkeuUNH9NqLcfIWjyMr0ON48T0IDGKx19To3mRQIDAQAB"
)

#: The captcha of the sandbox.
TENCENT = {
    "check": "phonebind.human.tencent.Tencent",
    "app_id": "190000001",
    "app_secret_key": "sandbox-captcha-secret",
    "secret_id": "sandbox-secret-id",
    "secret_key": "sandbox-secret-key",
}


def apps(redirect_uris: list[str]) -> dict[str, dict[str, Any]]:
    """Our app in the sandbox, with these callbacks registered and no others."""
    return {QQ_CLIENT_ID: {"secret": QQ_CLIENT_SECRET, "unionid": True, "redirect_uris": redirect_uris}}


def providers(sandbox: str, callback: str, *, cookies: bool = True) -> dict[str, dict[str, Any]]:
    """The providers of the sandbox besides QQ. ``callback``: an address with {} for the provider's name. Without
    ``cookies``: only the providers that need none.
    """
    return _plain(sandbox, callback) | (_with_secret(sandbox, callback) if cookies else {})


def _plain(sandbox: str, callback: str) -> dict[str, dict[str, Any]]:
    wechat = f"{sandbox}/wechat"
    return {
        "wechat_web": {
            "client_id": "wx1111111111111111",
            "client_secret": "sandbox-wechat-web",
            "redirect_uri": callback.format("wechat_web"),
            "base_url": wechat,
        },
        "wechat_oa": {
            "client_id": "wx2222222222222222",
            "client_secret": "sandbox-wechat-oa",
            "redirect_uri": callback.format("wechat_oa"),
            "base_url": wechat,
        },
        "wechat_app": {
            "client_id": "wx3333333333333333",
            "client_secret": "sandbox-wechat-app",
            "base_url": wechat,
        },
        "wechat_miniprogram": {
            "client_id": "wx4444444444444444",
            "client_secret": "sandbox-wechat-mini",
            "base_url": wechat,
        },
        "qq_app": {"client_id": "1100000001", "unionid": True, "base_url": f"{sandbox}/qq"},
        "weibo": {
            "client_id": "100000001",
            "client_secret": "sandbox-weibo-secret",
            "redirect_uri": callback.format("weibo"),
            "base_url": f"{sandbox}/weibo",
        },
        "alipay": {
            "client_id": "2021000000000001",
            "private_key": ALIPAY_PRIVATE_KEY,
            "alipay_public_key": ALIPAY_PUBLIC_KEY,
            "redirect_uri": callback.format("alipay"),
            "base_url": f"{sandbox}/alipay",
            "scope": "auth_user",
        },
        # Alipay's APPID for apps and mini programs: they do not accept a browser's code.
        "alipay_app": {
            "provider": "alipay",
            "client_id": "2021000000000002",
            "private_key": ALIPAY_PRIVATE_KEY,
            "alipay_public_key": ALIPAY_PUBLIC_KEY,
            "base_url": f"{sandbox}/alipay",
            "scope": "auth_user",
        },
    }


def _with_secret(sandbox: str, callback: str) -> dict[str, dict[str, Any]]:
    """The providers with a secret that a cookie keeps."""
    return {
        "apple": {
            "client_id": "example.sandbox.web",
            "audiences": ["example.sandbox.app"],
            "team_id": "SANDBOX001",
            "key_id": "SANDBOXKEY",
            "private_key": APPLE_PRIVATE_KEY,
            "base_url": f"{sandbox}/apple",
            "redirect_uri": callback.format("apple"),
        },
        "oidc": {
            "issuer": f"{sandbox}/oidc",
            "client_id": "sandbox-oidc",
            "client_secret": OIDC_CLIENT_SECRET,
            "audiences": ["sandbox-oidc-app"],
            "scope": "openid profile",
            "base_url": f"{sandbox}/oidc",
            "redirect_uri": callback.format("oidc"),
        },
    }


def mobile_proofs(sandbox: str) -> dict[str, dict[str, Any]]:
    """The sandbox's proofs of a mobile without SMS. ``/sandbox/one-tap/token`` acts as the app."""
    keys = {name: _ALIYUN[name] for name in ("access_key_id", "access_key_secret")}
    tencent = f"{sandbox}/one-tap/tencent/v5/rapidauth/validate"
    return {
        "aliyun": {**keys, "endpoint": f"{sandbox}/one-tap/aliyun/"},
        "tencent": {"sdk_app_id": "1400000002", "app_key": "sandbox-one-tap-key", "endpoint": tencent},
        "wechat": {"provider": "wechat_miniprogram"},
    }


#: The values that a site must not use in production, by the name of the option. Of a key only one line of its PEM.
SECRETS_OF_PROVIDERS = {
    option: [
        max(str(entry[option]).split("\n"), key=len)[:64] for entry in providers("", "").values() if option in entry
    ]
    for option in ("client_secret", "private_key")
}


_ALIYUN = {
    "access_key_id": "sandbox-access-key-id",
    "access_key_secret": "sandbox-access-key-secret",
    "sign_name": "速通互联验证码",
}


def _templates(form: str, first: int) -> dict[str, str]:
    """A template for each purpose of the account life. The sandbox's vendors accept any template."""
    purposes = ("bind", "sign_in", "reset_password", "change_mobile", "verify")
    return {purpose: form.format(number) for number, purpose in enumerate(purposes, first)}


def sms_gateways(sandbox: str) -> dict[str, dict[str, Any]]:
    """The options of each SMS_GATEWAY for the sandbox, which answers in place of the vendors below that address."""
    gateways: dict[str, dict[str, Any]] = {
        "sandbox": {"url": f"{sandbox}/sms/"},
        "aliyun-pnvs": {**_ALIYUN, "endpoint": f"{sandbox}/aliyun-pnvs/"},
        "aliyun": {**_ALIYUN, "templates": _templates("SMS_{}", 154950909), "endpoint": f"{sandbox}/aliyun/"},
        "tencent": {
            "secret_id": TENCENT["secret_id"],
            "secret_key": TENCENT["secret_key"],
            "sdk_app_id": "1400000001",
            "sign_name": "phonebind",
            "templates": _templates("{}", 1110),
            "endpoint": f"{sandbox}/tencent-sms/",
        },
        "http": {"endpoint": f"{sandbox}/http/", "secret": HTTP_SECRET},
        "yuntongxun": {
            "account_sid": "sandbox-account-sid",
            "auth_token": "sandbox-auth-token",
            "app_id": "sandbox-app-id",
            "templates": _templates("{}", 1),
            "endpoint": f"{sandbox}/yuntongxun/",
        },
    }
    gateways = {name: {"gateway": name, **options} for name, options in gateways.items()}
    several = [gateways["aliyun-pnvs"], gateways["tencent"]]
    return {**gateways, "console": {"gateway": "console"}, "failover": {"gateway": "failover", "gateways": several}}


#: The vendors whose receipts the sandbox sends.
RECEIPTS = ("aliyun-pnvs", "aliyun", "tencent", "http")

#: An account that exists from the start, so that both outcomes of a first sign-in can be tried.
MOBILE = "13800000001"
PASSWORD = "correct-horse-8"  # noqa: S105
