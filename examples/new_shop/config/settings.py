"""What ``django-admin startproject`` writes, in short, and the settings of phonebind at the end."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
#: Where browsers find this site.
SITE = os.environ.get("SITE", "http://127.0.0.1:8000")

SECRET_KEY = "django-insecure-an-example-for-a-laptop-only"
DEBUG = True
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "phonebind",
    "phonebind.pages",
    "phonebind_sandbox",  # never in production: everybody signs in as anybody
    "shop",
]
MIDDLEWARE = [
    "phonebind.middleware.CookieNamesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "phonebind.pages.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.carts.count",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", BASE_DIR / "db.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = "Asia/Shanghai"
STATIC_URL = "static/"

AUTH_USER_MODEL = "shop.User"
LOGIN_URL = "phonebind_pages:login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# ---------------------------------------------------------------- phonebind

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    }
}
PHONEBIND = {
    "SITE_NAME": "New Shop",
    "PROVIDERS": {
        "qq": {
            "client_id": "101000001",
            "client_secret": "sandbox-secret",
            "redirect_uri": f"{SITE}/login/qq/callback/",
            "base_url": f"{SITE}/sandbox/qq",  # the real QQ needs no base_url
        }
    },
    "SMS": {"gateway": "sandbox", "url": f"{SITE}/sandbox/sms/"},
}
