"""Settings of the reference server, all from the environment.

``DEBUG=1`` (set by ``make run``) is the demo: known keys, SQLite, and the sandbox as the identity provider. With DEBUG
off, no value of the demo is accepted: the server does not start. It reports all that is missing or wrong at once.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from corsheaders.defaults import default_headers

import phonebind
from server import demo, keys, stores
from server import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / ".data"))).resolve()

DEBUG = env.flag("DEBUG")
SANDBOX = env.flag("SANDBOX", default=DEBUG)
#: The account life: sessions, and pages for a person's account. On in the demo.
LIFECYCLE = env.flag("LIFECYCLE", default=DEBUG)
#: Events, metrics, charts and webhooks, for operators. On in the demo.
OPERATIONS = env.flag("OPERATIONS", default=DEBUG)
PORT = env.number("PORT", 8000)
WORKERS = env.number("WORKERS", 2, least=1)
THREADS = env.number("THREADS", 16, least=1)
#: Open connections of a process. Most of them wait for a provider.
CONNECTIONS = env.number("CONNECTIONS", 1000, least=2)
#: Seconds in which a request must arrive, and in which the client must take the answer.
REQUEST_DEADLINE = env.number("REQUEST_DEADLINE", 10, least=1)
#: Seconds after SIGTERM in which /readyz reports that this node ends, while it still serves. Longer than HAProxy takes
#: to notice by default (three checks, two seconds apart), and than Kubernetes takes to tell all its nodes.
DRAIN = env.number("DRAIN", 0 if DEBUG else 8)
#: Whether a start runs the missing migrations, or waits until they are run elsewhere; and for how many seconds.
MIGRATE = env.flag("MIGRATE", default=True)
MIGRATE_DEADLINE = env.number("MIGRATE_DEADLINE", 300)
#: Bytes. The largest form here has a twentieth of it. The servers refuse a longer body before they read it.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.number("BODY_MAX", 64 * 1024, least=1)
ORIGIN = f"http://127.0.0.1:{PORT}"
#: The folder in which the workers count metrics together, in memory-mapped files. Emptied at each start.
METRICS_DIR = Path(env.text("PROMETHEUS_MULTIPROC_DIR", str(DATA_DIR / "metrics"))).resolve()

if not DEBUG:
    if SANDBOX:
        env.note("SANDBOX=1 lets everybody sign in as anybody; it needs DEBUG=1.")
    for _name in ("SECRET_KEY", "QQ_CLIENT_ID", "QQ_CLIENT_SECRET"):
        if getattr(demo, _name) in (env.text(_name, ""), *env.words(f"{_name}_FALLBACKS")):
            env.note(f"{_name} has the demo's value, which everybody knows.")
    # The only gateway key of the demo that would work in production: an own bridge accepts any key.
    for _name in ("SMS_OPTIONS", "WEBHOOKS"):
        if demo.HTTP_SECRET in env.text(_name, "").replace("\\/", "/"):
            env.note(f"{_name} has the demo's value of secret, which everybody knows.")
    for _name, _known in demo.SECRETS_OF_PROVIDERS.items():
        if any(_secret in env.text("PROVIDERS", "").replace("\\/", "/") for _secret in _known):
            env.note(f"PROVIDERS has the demo's value of {_name}, which everybody knows.")
    if env.text("METRICS_TOKEN", "") == demo.METRICS_TOKEN:
        env.note("METRICS_TOKEN has the demo's value, which everybody knows.")
    # A person who guesses a key can sign states, tickets and tokens. A former key is as powerful as the current one.
    env.refuse_weak("SECRET_KEY", env.text("SECRET_KEY"))
    for _key in env.words("SECRET_KEY_FALLBACKS"):
        env.refuse_weak("SECRET_KEY_FALLBACKS", _key)
    env.refuse_weak("METRICS_TOKEN", env.text("METRICS_TOKEN", ""))
    if env.text("EVENTS_KEY", ""):
        env.refuse_weak("EVENTS_KEY", env.text("EVENTS_KEY"))

# ---------------------------------------------------------------- Django

SECRET_KEY = env.text("SECRET_KEY", demo.SECRET_KEY)
#: Former keys, newest first: sign-ins in progress survive a change of the key.
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost" if DEBUG else None)
if SANDBOX:
    # Browsers and the server itself find the sandbox at this host, besides the other names of the site.
    ALLOWED_HOSTS.append("127.0.0.1")
ROOT_URLCONF = "server.urls"
#: The path of the site on its host, if a proxy removes that path: ``/shop``.
FORCE_SCRIPT_NAME = env.text("FORCE_SCRIPT_NAME", "").rstrip("/") or None
WSGI_APPLICATION = "server.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "phonebind",
    "phonebind.pages",
    *(["phonebind.lifecycle"] if LIFECYCLE else []),
    *(["phonebind.operations"] if OPERATIONS else []),
    *(["phonebind_sandbox"] if SANDBOX else []),
    "server.users",
]
MIDDLEWARE = [
    *(["phonebind.operations.middleware.MetricsMiddleware"] if OPERATIONS else []),
    "phonebind.middleware.CookieNamesMiddleware",
    "phonebind.health.HealthMiddleware",  # before everything that checks the host or redirects to HTTPS
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
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
        "DIRS": [BASE_DIR / "server/templates"],
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

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "static/"
#: A web server in front has its own user and cannot read DATA_DIR. WhiteNoise does not need that.
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static"))).resolve()
WHITENOISE_USE_FINDERS = DEBUG
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

# ---------------------------------------------------------------- storage

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_PREPARE = env.flag("DATABASE_PREPARE", default=True)
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}", prepare=_PREPARE)}
# Each thread holds at most one connection. The client's default limit is 100.
CACHES = {"default": stores.cache("redis://127.0.0.1:6379/0" if DEBUG else None, max(100, THREADS + 8))}

# ---------------------------------------------------------------- accounts

AUTH_USER_MODEL = "users.User"
LOGIN_URL = "phonebind_pages:login"
PASSWORD_HASHERS = [
    "server.hashers.Argon2id",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # for accounts from an older system
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SIMPLE_JWT = {
    # A stolen access token cannot be revoked by itself, so its lifetime bounds the damage. And a shop's customer who
    # comes back within two weeks need not sign in again.
    "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    # Without a key pair SECRET_KEY signs, and every service that verifies tokens could also sign them.
    **keys.signing(),
}
#: For a site that moves from SECRET_KEY to a key pair: tokens signed with SECRET_KEY stay valid.
_JWT_SECRETS = [SECRET_KEY, *SECRET_KEY_FALLBACKS] if "ALGORITHM" in SIMPLE_JWT and env.flag("JWT_HS256") else []
REST_FRAMEWORK = {
    # A person who changes a password wants to end all older tokens, including those of a thief.
    "DEFAULT_AUTHENTICATION_CLASSES": ["phonebind.tokens.Authentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "phonebind",
    "VERSION": phonebind.__version__,
    # The contract is public, so no token is needed to read it.
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
}

# ---------------------------------------------------------------- phonebind

_FRONT_END = env.text("FRONT_END", "contract")
#: The path prefix of our pages. In the session edition the front end itself uses /login/.
PAGES_PATH = "pages/" if _FRONT_END == "session" else ""
_QQ_DEMO = SANDBOX and not env.words("QQ_CLIENT_ID")
_PROVIDERS = env.options("PROVIDERS")
_QQ_VARIABLES = ("QQ_CLIENT_ID", "QQ_CLIENT_SECRET", "QQ_REDIRECT_URI")
#: A site of other providers needs no variable of QQ; with one of them it needs all.
_QQ = _QQ_DEMO or not _PROVIDERS or any(env.words(name) for name in _QQ_VARIABLES)
_HUMAN_CHECK = env.word_or_options("HUMAN_CHECK", "image")
if SANDBOX and _HUMAN_CHECK == "tencent":
    _TENCENT = f"{ORIGIN}/sandbox/tencent/"
    _HUMAN_CHECK = {**demo.TENCENT, "endpoint": _TENCENT, "script": f"{_TENCENT}TJCaptcha.js"}
_SMS: dict[str, Any] = {
    "gateway": env.text("SMS_GATEWAY", "sandbox" if SANDBOX else "console" if DEBUG else None),
    **env.options("SMS_OPTIONS"),
}
if SANDBOX and list(_SMS) == ["gateway"]:
    # The sandbox replaces the vendor. With your own options, the real vendor is called, or the address in them.
    _SMS = demo.sms_gateways(f"{ORIGIN}/sandbox").get(_SMS["gateway"], _SMS)
_SMS_RECEIPTS = env.text("SMS_RECEIPTS", "")
PHONEBIND_SANDBOX: dict[str, Any] = {}
if SANDBOX and _SMS_RECEIPTS not in ("", "pull"):
    # The sandbox sends receipts like the vendors do, to the addresses that would be set in their consoles.
    PHONEBIND_SANDBOX["RECEIPTS"] = {name: f"{ORIGIN}/sms_receipts/{name}/{_SMS_RECEIPTS}/" for name in demo.RECEIPTS}
_REDIRECT_URIS = env.words("SANDBOX_REDIRECT_URIS")
if SANDBOX and _REDIRECT_URIS:
    PHONEBIND_SANDBOX["APPS"] = demo.apps(_REDIRECT_URIS)


def _qq() -> dict[str, Any]:
    return {
        "client_id": env.text("QQ_CLIENT_ID", demo.QQ_CLIENT_ID if _QQ_DEMO else None),
        "client_secret": env.text("QQ_CLIENT_SECRET", demo.QQ_CLIENT_SECRET if _QQ_DEMO else None),
        "redirect_uri": env.text("QQ_REDIRECT_URI", f"{ORIGIN}/{PAGES_PATH}login/qq/callback/" if DEBUG else None),
        "callback_page": env.text("QQ_CALLBACK_PAGE", ""),
        "unionid": env.flag("QQ_UNIONID", default=_QQ_DEMO),
        **({"base_url": f"{ORIGIN}/sandbox/qq"} if _QQ_DEMO else {}),
    }


def _demo_providers() -> dict[str, dict[str, Any]]:
    callback = f"{ORIGIN}/{PAGES_PATH}login/{{}}/callback/"
    cookies = _FRONT_END != "tutorial" and not env.flag("LEGACY_STATE")
    return demo.providers(f"{ORIGIN}/sandbox", callback, cookies=cookies)


PHONEBIND = {
    "PROVIDERS": {
        **({"qq": _qq()} if _QQ else {}),
        **(_demo_providers() if _QQ_DEMO else {}),
        **_PROVIDERS,
    },
    "SMS": _SMS,
    "SMS_RECEIPTS": _SMS_RECEIPTS,
    "MOBILE_PROOFS": {
        **(demo.mobile_proofs(f"{ORIGIN}/sandbox") if _QQ_DEMO else {}),
        **env.options("MOBILE_PROOFS"),
    },
    "NEW_ACCOUNT_PROOFS": tuple(env.words("NEW_ACCOUNT_PROOFS", "sms,carrier,realtime,quick")),
    "JOIN_PROOFS": tuple(env.words("JOIN_PROOFS", "sms,carrier,realtime")),
    "HUMAN_CHECK": _HUMAN_CHECK,
    "SMS_SIGN_IN": env.flag("SMS_SIGN_IN", default=DEBUG and LIFECYCLE),
    "SMS_SIGN_UP": env.flag("SMS_SIGN_UP"),
    "KNOWN_MOBILE": env.text("KNOWN_MOBILE", "password"),
    "SECOND_IDENTITY": env.text("SECOND_IDENTITY", "both"),
    "OWNER_WORD": env.text("OWNER_WORD", "accept"),
    "NUMBER_STATE": env.options("NUMBER_STATE") or ({"gateway": "sandbox"} if SANDBOX and LIFECYCLE else {}),
    "METRICS_TOKEN": env.text("METRICS_TOKEN", demo.METRICS_TOKEN if DEBUG and OPERATIONS else ""),
    "TRACING": env.flag("TRACING"),
    "SITE_NAME": env.text("SITE_NAME", "phonebind"),
    "TERMS_URL": env.text("TERMS_URL", ""),
    "PRIVACY_URL": env.text("PRIVACY_URL", ""),
    "PASSWORD_RESET_URL": env.text("PASSWORD_RESET_URL", ""),
    "LOGO_URL": env.text("LOGO_URL", ""),
    "STYLE_URL": env.text("STYLE_URL", ""),
    "HELP_URL": env.text("HELP_URL", ""),
    "RETURN_URL": env.text("RETURN_URL", ""),
    "ALLOWED_NEXT_HOSTS": tuple(env.words("ALLOWED_NEXT_HOSTS")),
    "FRONT_END": _FRONT_END,
    "LEGACY_STATE": env.flag("LEGACY_STATE"),
    "SIGN_IN_MAX_AGE": env.number("SIGN_IN_MAX_AGE", 90 * 86_400, least=1),
    "EVENTS_KEY": env.text("EVENTS_KEY", ""),
    "TOKEN_KEYS": [*keys.others(), *(("HS256", secret) for secret in _JWT_SECRETS)],
    "WEBHOOKS": env.options("WEBHOOKS"),
    "TRUSTED_PROXIES": env.number("TRUSTED_PROXIES", 0),
    "COOKIE_SAMESITE": env.text("COOKIE_SAMESITE", "Lax"),
    # Some threads must stay free for requests that wait for no other server: an eighth if the human check calls another
    # site's server, otherwise a quarter.
    "PROVIDER_SLOTS": max(1, THREADS // 2),
    "SMS_SLOTS": max(1, THREADS // 4),
    # More would only hash more slowly, while each one holds a thread and Argon2's memory.
    "HASH_SLOTS": env.number("HASH_SLOTS", max(1, (os.cpu_count() or 1) // WORKERS)),
    "LIMITS": env.options("LIMITS"),
    "SMS_PRICES": env.options("SMS_PRICES"),
    "SMS_CURRENCY": env.text("SMS_CURRENCY", "\u00a5"),
    "PUMPING_ALARM": {"sent": 50, "used": 0.3} | env.options("PUMPING_ALARM"),
}

# ---------------------------------------------------------------- the browser's side

CORS_ALLOWED_ORIGINS = env.words("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_CREDENTIALS = True
#: The header of a step-up (docs/en/how-to/account-life.md).
CORS_ALLOW_HEADERS = [*default_headers, *(["x-verification"] if LIFECYCLE else [])]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
if not DEBUG:
    # Neighbouring hosts cannot set cookies under these names, even over plain HTTP.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000)
#: Off: both also affect other hosts, which we do not know.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS")
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.number("TRUSTED_PROXIES", 0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# ---------------------------------------------------------------- logs: silent until something is wrong

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.level("LOG_LEVEL", "WARNING")},
    "loggers": {
        # Django's own handlers are removed, so that no line appears twice. A 4xx is an error of the visitor.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.request": {"level": "ERROR"},
        # Django logs an unknown Host, or too many fields, at ERROR. Clients that send these must not be able to raise
        # an alarm.
        "django.security": {"level": "CRITICAL"},
        "phonebind.audit": {"level": "INFO"},
    },
}

env.refuse()
