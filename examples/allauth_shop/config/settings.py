"""A shop that had django-allauth before phonebind. What phonebind adds to each setting is marked."""

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
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "shop",
    "rest_framework",  # phonebind
    "phonebind",  # phonebind
    "phonebind.pages",  # phonebind
    "phonebind_sandbox",  # phonebind; never in production: everybody signs in as anybody
]
MIDDLEWARE = [
    "phonebind.middleware.CookieNamesMiddleware",  # phonebind
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    # phonebind: in place of Django's own. A session ends when its user's identity is unbound, no matter which began it.
    "phonebind.pages.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
LOCALE_PATHS = [BASE_DIR / "locale"]
STATIC_URL = "static/"
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"

# ---------------------------------------------------------------- accounts, by allauth

AUTH_USER_MODEL = "shop.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "account"
# phonebind: the user name of an account that phonebind makes is its mobile number. So people who came by QQ sign in
# here too, by number and password.
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# phonebind: nobody who registers by e-mail gets a mobile number for a user name.
ACCOUNT_ADAPTER = "shop.adapter.AccountAdapter"
ACCOUNT_USER_DISPLAY = "shop.adapter.display"
ACCOUNT_EMAIL_VERIFICATION = "optional"

# ---------------------------------------------------------------- phonebind

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    }
}
PHONEBIND = {
    "SITE_NAME": "Allauth Shop",
    "PASSWORD_RESET_URL": "/accounts/password/reset/",
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
