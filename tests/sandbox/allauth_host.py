"""A site with django-allauth, in a separate process: ``python -m tests.sandbox.allauth_host weibo URL PERSON``.

It signs in a person of the sandbox at URL, and prints the person's identity at allauth as JSON.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import django
import requests
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils.module_loading import import_string

#: By allauth's name for the provider: the adapter, its app, and its addresses below the sandbox's.
PROVIDERS: Mapping[str, tuple[str, Mapping[str, str], Mapping[str, str]]] = {
    "weibo": (
        "WeiboOAuth2Adapter",
        {"client_id": "100000001", "secret": "sandbox-weibo-secret"},
        {
            "authorize_url": "weibo/oauth2/authorize",
            "access_token_url": "weibo/oauth2/access_token",
            "profile_url": "weibo/2/users/show.json",
        },
    ),
    "weixin": (
        "WeixinOAuth2Adapter",
        {"client_id": "wx1111111111111111", "secret": "sandbox-wechat-web"},
        {
            "authorize_url": "wechat/connect/qrconnect",
            "access_token_url": "wechat/sns/oauth2/access_token",
            "profile_url": "wechat/sns/userinfo",
        },
    ),
}


APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
)
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
)


def start(provider: str, sandbox: str) -> None:
    """The published adapter, with another host."""
    adapter, app, addresses = PROVIDERS[provider]
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[*APPS, f"allauth.socialaccount.providers.{provider}"],
        MIDDLEWARE=MIDDLEWARE,
        ROOT_URLCONF="allauth.urls",
        SECRET_KEY="a-site-of-a-test",
        SOCIALACCOUNT_PROVIDERS={provider: {"APPS": [app]}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    )
    django.setup()
    kind = import_string(f"allauth.socialaccount.providers.{provider}.views.{adapter}")
    for name, where in addresses.items():
        setattr(kind, name, sandbox + where)
    call_command("migrate", verbosity=0)


def sign_in(provider: str, person: str) -> dict[str, Any]:
    client = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8000")
    page = client.post(f"/{provider}/login/").headers["Location"]
    headers = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.49"}
    answer = requests.post(page, {"person": person}, headers=headers, allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    client.get(f"{back.path}?{back.query}")
    found = import_string("allauth.socialaccount.models.SocialAccount").objects.get()
    return {"provider": found.provider, "uid": found.uid, "extra_data": found.extra_data}


if __name__ == "__main__":
    start(sys.argv[1], sys.argv[2])
    sys.stdout.write(json.dumps(sign_in(sys.argv[1], sys.argv[3])))
