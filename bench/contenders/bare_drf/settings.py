"""Only what one view needs."""

import os

from bench.shop import database

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "bench.shop"]
# It sets Content-Length. Chunked answers cost more.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "bench.contenders.bare_drf.urls"
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
# Make the tables straight from the models, without migrations.
MIGRATION_MODULES = {"auth": None, "contenttypes": None}
AUTH_USER_MODEL = "shop.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_I18N = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

QQ_CLIENT_ID = os.environ["QQ_CLIENT_ID"]
QQ_CLIENT_SECRET = os.environ["QQ_CLIENT_SECRET"]
QQ_REDIRECT_URI = "https://shop.example/oauth_callback.html"
QQ_URL = os.environ["QQ_URL"]
QQ_CONNECTIONS = int(os.environ["QQ_CONNECTIONS"])
