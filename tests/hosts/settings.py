"""A project as ``startproject`` creates it, with phonebind. PHONEBIND_USER_KIND names its user model in ``kinds``."""

import os
from importlib import import_module
from typing import Any

import dj_database_url
import pymysql

pymysql.install_as_MySQLdb()

KIND = os.environ["PHONEBIND_USER_KIND"]
_kind = import_module(f"tests.hosts.kinds.{KIND}")

SECRET_KEY = "tests-only-" + "x" * 50
DEBUG = True
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "tests.hosts.urls"
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
    f"tests.hosts.kinds.{KIND}",
    *(["phonebind.lifecycle"] if os.environ.get("LIFECYCLE") == "1" else []),
    *(["phonebind.operations"] if os.environ.get("OPERATIONS") == "1" else []),
]
AUTH_USER_MODEL = f"{KIND}.User"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast: no test here is about hashing
LANGUAGE_CODE = "en-us"
USE_TZ = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES: dict[str, Any] = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: otherwise a second thread could not wait for its turn.
    DATABASES["default"] |= {
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        "TEST": {"NAME": f"{DATABASES['default']['NAME']}.test"},
    }
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "charset": "utf8mb4"}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["REDIS_URL"]}}
PHONEBIND = {
    "PROVIDERS": {
        "qq": {
            "client_id": "101000001",
            "client_secret": "sandbox-secret",
            "redirect_uri": "http://testserver/login/qq/callback/",
        }
    },
    "SMS": {"gateway": "tests.support.edge.Outbox"},
    **getattr(_kind, "PHONEBIND", {}),
}
globals().update(getattr(_kind, "SETTINGS", {}))
