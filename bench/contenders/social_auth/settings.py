"""A Django project with social-auth-app-django, set up as documented, behind a proxy that terminates TLS."""

import os

import dj_database_url

SECRET_KEY = "bench-only-" + "0" * 50
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench.contenders.social_auth.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "social_django",
]
# The middleware of a new Django project, and the library's own.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "social_django.middleware.SocialAuthExceptionMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=60)}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["REDIS_URL"]},
}
# Django's deployment checklist: "Consider using cached sessions to improve performance."
SESSION_ENGINE = "django.contrib.sessions.backends.cache"

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

AUTHENTICATION_BACKENDS = [
    "bench.contenders.social_auth.backend.StubbedQQ",
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "/sign-in.html"
LOGIN_REDIRECT_URL = os.environ["BENCH_SIGNED_IN"]
SOCIAL_AUTH_LOGIN_ERROR_URL = "/sign-in.html"
SOCIAL_AUTH_REDIRECT_IS_HTTPS = True
SOCIAL_AUTH_QQ_KEY = os.environ["QQ_CLIENT_ID"]
SOCIAL_AUTH_QQ_SECRET = os.environ["QQ_CLIENT_SECRET"]
