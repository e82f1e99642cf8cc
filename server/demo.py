"""What the demo uses in place of secrets. Everybody knows these values, so they are refused with DEBUG off."""

SECRET_KEY = "demo-only-4d9f0c3b7a61e852-not-a-secret-at-all-4d9f0c3b7a61e852"  # noqa: S105
QQ_CLIENT_ID = "101000001"
QQ_CLIENT_SECRET = "sandbox-secret"  # noqa: S105

#: The captcha that the sandbox knows.
TENCENT = {
    "check": "phonebind.human.tencent.Tencent",
    "app_id": "190000001",
    "app_secret_key": "sandbox-captcha-secret",
    "secret_id": "sandbox-secret-id",
    "secret_key": "sandbox-secret-key",
}

#: The account that exists from the start, so that both outcomes of a first sign-in can be tried.
MOBILE = "13800000001"
PASSWORD = "correct-horse-8"  # noqa: S105
