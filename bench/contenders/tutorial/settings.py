"""The settings of startproject and of the tutorial, without those that only pages and the admin need."""

import os
from datetime import timedelta

from bench.shop import database

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "corsheaders",
    "rest_framework",
    "bench.shop",
]
MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CORS_ALLOWED_ORIGINS = ["https://shop.example"]
ROOT_URLCONF = "bench.contenders.tutorial.urls"
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
# Make the tables straight from the models, without migrations.
MIGRATION_MODULES = {"auth": None, "contenttypes": None, "sessions": None}
AUTH_USER_MODEL = "shop.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ]
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(days=1)}

QQ_CLIENT_ID = os.environ["QQ_CLIENT_ID"]
QQ_CLIENT_SECRET = os.environ["QQ_CLIENT_SECRET"]
QQ_REDIRECT_URI = "https://shop.example/oauth_callback.html"
QQ_URL = os.environ["QQ_URL"]
