"""A shop in the shape of the course's, on Django 5.2, before it moves."""

import os
from datetime import timedelta

SECRET_KEY = "a-shop-in-the-shape-of-the-tutorial-" + "x" * 20
DEBUG = False
ALLOWED_HOSTS = ["api.meiduo.site", "testserver"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "rest_framework",
    "users",
    "oauth",
    "verifications",
    "carts",
    "corsheaders",
]
MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
]
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SHOP_DATABASE"]}}
CACHES = {
    alias: {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"], "KEY_PREFIX": alias}
    for alias in ("default", "verify_codes", "cart")
}

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = ["users.backends.UsernameMobileAuthBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # tests hash in a hurry
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["users.tokens.NoExceptionJSONWebTokenAuthentication"]}
JWT_AUTH = {"JWT_EXPIRATION_DELTA": timedelta(days=1)}

CORS_ORIGIN_WHITELIST = ["http://www.meiduo.site:8080"]
CORS_ALLOW_CREDENTIALS = True

QQ_CLIENT_ID = "101000001"
QQ_CLIENT_SECRET = "sandbox-secret"
QQ_REDIRECT_URI = "http://www.meiduo.site:8080/oauth_callback.html"
