"""The demo under its own host name and behind TLS. Its cookies have the names and flags of production."""

from server import demo
from server import environment as env
from server.settings import *  # noqa: F403

# Without it the sandbox accepts loopback addresses only.
_REDIRECT_URIS = [env.text("QQ_REDIRECT_URI")]
PHONEBIND_SANDBOX = {
    "APPS": {demo.QQ_CLIENT_ID: {"secret": demo.QQ_CLIENT_SECRET, "unionid": True, "redirect_uris": _REDIRECT_URIS}}
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
