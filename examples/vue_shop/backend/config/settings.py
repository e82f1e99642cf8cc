"""An API for a front end of its own: tokens, no sessions, no pages."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
#: Where this API is, and where browsers find the front end. Vite hands /api/ of the front end on to this API.
SITE = os.environ.get("SITE", "http://127.0.0.1:8000")
FRONT_END = os.environ.get("FRONT_END", "http://127.0.0.1:5173")

SECRET_KEY = "django-insecure-an-example-for-a-laptop-only"
DEBUG = True
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "phonebind",
    "phonebind_sandbox",  # never in production: everybody signs in as anybody
    "shop",
]
MIDDLEWARE = [
    "phonebind.middleware.CookieNamesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

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
REST_FRAMEWORK = {
    # Tokens end with a new password, a disabled account and an unbound identity.
    "DEFAULT_AUTHENTICATION_CLASSES": ["phonebind.tokens.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {"TITLE": "Vue shop", "VERSION": "1"}

# ---------------------------------------------------------------- phonebind

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    }
}
PHONEBIND = {
    "SITE_NAME": "Vue Shop",
    "PROVIDERS": {
        "qq": {
            "client_id": "101000001",
            "client_secret": "sandbox-secret",
            "redirect_uri": f"{FRONT_END}/callback/qq",  # a page of the front end
            "base_url": f"{SITE}/sandbox/qq",  # the real QQ needs no base_url
        }
    },
    "SMS": {"gateway": "sandbox", "url": f"{SITE}/sandbox/sms/"},
    "HUMAN_CHECK": os.environ.get("HUMAN_CHECK", "image"),
}
