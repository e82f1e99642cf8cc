"""What hosts depend on: names that are imported, settings, and the modules that are loaded."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import phonebind
from phonebind import conf, exceptions, human, limits, oauth, signals, sms, testing
from phonebind.apps import PhonebindConfig
from phonebind.checks import CHECKS

ROOT = Path(__file__).parents[1]

#: What each package exports.
EXPORTED: list[tuple[str, set[str]]] = [
    (
        "phonebind.oauth",
        {
            "KINDS",
            "Grant",
            "Identity",
            "Profile",
            "Provider",
            "WebProvider",
            "NativeProvider",
            "Widget",
            "elsewhere",
        }
        | {"get", "label", "native", "ways", "web"},
    ),
    (
        "phonebind.sms",
        {
            "GATEWAYS",
            "LANGUAGE",
            "MOBILE_CHANGE",
            "NOTICES",
            "NO_ACCOUNT",
            "PURPOSES",
            "Gateway",
            "Message",
            "get",
            "purposes",
            "send",
        },
    ),
    ("phonebind.testing", {"FakeQQ", "Person"}),
    (
        "phonebind.human",
        {"Answers", "Check", "Mode", "Needs", "issue", "mode", "needs", "needs_image", "send_code", "verify"}
        | {"draw", "load", "missing"},
    ),
]
#: What else hosts import.
IMPORTED = [
    ("phonebind.models", "SocialAccount"),
    ("phonebind.models", "MobileUser"),
    ("phonebind.binding", "identify"),
    ("phonebind.binding", "bind"),
    ("phonebind.binding", "attach"),
    ("phonebind.binding", "unbind"),
    ("phonebind.binding", "sign_in"),
    ("phonebind.sms_codes", "check"),
    ("phonebind.sms_codes", "claim"),
    ("phonebind.sms_codes", "settle"),
    ("phonebind.limits", "client_address"),
    ("phonebind.tokens", "issue"),
    ("phonebind.tokens", "refresh"),
    ("phonebind.sms.console", "Console"),
    ("phonebind.sms.sandbox", "Sandbox"),
    ("phonebind.human.base", "Check"),
    ("phonebind.mobile_proofs", "Source"),
    ("phonebind.human.altcha", "Altcha"),
    ("phonebind.api.urls", "urlpatterns"),
    ("phonebind.middleware", "CookieNamesMiddleware"),
    ("phonebind.clusters", "ClusterCache"),
    ("phonebind.health", "HealthMiddleware"),
    ("phonebind.health", "drain"),
    ("phonebind.revocation", "revoke"),
    ("phonebind.tokens", "Authentication"),
    ("phonebind.tokens", "OptionalAuthentication"),
    ("phonebind.api.dialects", "path"),
]


def test_the_settings() -> None:
    """To rename a setting breaks every host: the major version must go up."""
    assert set(conf.NAMES) == {
        "ACCOUNT_FACTORY",
        "ALLOWED_NEXT_HOSTS",
        "ALLOWED_ORIGINS",
        "BIND_WITHOUT_PASSWORD",
        "CACHE",
        "CONNECT_TIMEOUT",
        "EVENTS_KEY",
        "COOKIE_SAMESITE",
        "FRONT_END",
        "HUMAN_CHECK",
        "JOIN_PROOFS",
        "LEGACY_STATE",
        "LIMITS",
        "MOBILE_FIELD",
        "MOBILE_FORMAT",
        "MOBILE_PROOFS",
        "NEW_ACCOUNT_PROOFS",
        "PASSWORD_RESET_URL",
        "LOGO_URL",
        "STYLE_URL",
        "HELP_URL",
        "RETURN_URL",
        "PRIVACY_URL",
        "PROVIDERS",
        "SIGN_IN_MAX_AGE",
        "TOKEN_KEYS",
        "SITE_NAME",
        "SMS",
        "SMS_RECEIPTS",
        "TERMS_URL",
        "TOTAL_TIMEOUT",
        "PROVIDER_SLOTS",
        "SMS_SLOTS",
        "HASH_SLOTS",
        "METRICS_TOKEN",
        "TRACING",
        "TRUSTED_PROXIES",
        "REFRESH_GRACE",
        "STEP_UP_MAX_AGE",
        "MOBILE_CHANGE_DELAY",
        "MOBILE_CHANGE_NOTICE",
        "SMS_SIGN_IN",
        "SMS_SIGN_UP",
        "KNOWN_MOBILE",
        "SECOND_IDENTITY",
        "OWNER_WORD",
        "NUMBER_STATE",
        "LEGACY_COUNTS",
        "LEGACY_USER_FIELDS",
        "SMS_PRICES",
        "SMS_CURRENCY",
        "PUMPING_ALARM",
        "WEBHOOKS",
    }
    assert set(conf.ProviderSettings.__dataclass_fields__) == {
        "base_url",
        "callback_page",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "unionid",
    }


def test_the_limits() -> None:
    shown = {name: (rule.limit, rule.seconds) for name, rule in limits.RULES.items()}
    assert (
        shown.items()
        >= {
            "image_address_hour": (300, 3_600),
            "sms_mobile_gap": (1, 60),
            "sms_mobile_hour": (5, 3_600),
            "sms_mobile_day": (10, 86_400),
            "sms_address_hour": (20, 3_600),
            "password_name": (5, 900),
            "password_bind": (5, 900),
            "password_address": (50, 900),
        }.items()
    )


@pytest.mark.parametrize(("module", "names"), EXPORTED)
def test_the_packages_export(module: str, names: set[str]) -> None:
    found = importlib.import_module(module)
    assert set(found.__all__) == names
    assert all(hasattr(found, name) for name in names)


@pytest.mark.parametrize(("path", "name"), IMPORTED)
def test_names_that_a_host_imports(path: str, name: str) -> None:
    assert hasattr(importlib.import_module(path), name)


def test_the_signals() -> None:
    names = {name for name in vars(signals) if not name.startswith("_")} - {"Signal"}
    assert names == {"account_bound", "signed_in", "sign_in_response", "image_code_issued"} | {
        "same_person_found",
        "audited",
        "number_state_asked",
        "sessions_ended",
        "sms_attempted",
        "sms_code_checked",
        "budget_low",
        "sms_budget_exhausted",
        "sms_pumping_suspected",
        "proof_budget_exhausted",
        "sms_receipt_received",
        "committing",
        *(
            "refresh_token_reused",
            "mobile_change_requested",
            "mobile_changed",
            "new_device",
            "identity_bound",
            "identity_unbound",
            "number_doubtful",
            "number_state_budget_exhausted",
        ),
    }


def test_the_exceptions_are_exported_as_they_are_drawn() -> None:
    drawn = {word for word in (exceptions.__doc__ or "").replace("─", " ").split() if word in vars(exceptions)}
    assert set(exceptions.__all__) == drawn


def test_every_exception_keeps_its_code() -> None:
    codes = {getattr(vars(exceptions)[name], "code", None) for name in exceptions.__all__} - {None}
    assert codes == {
        *("invalid", "next_not_allowed", "state_invalid", "code_invalid", "ticket_invalid", "image_code_invalid"),
        *("human_check_invalid", "human_check_unavailable"),
        *("mobile_proof_invalid", "mobile_proof_too_weak", "mobile_proof_unavailable"),
        *(
            "sign_in_cancelled",
            "snapshot_user",
            "sms_code_invalid",
            "sms_refused",
            "password_wrong",
            "already_bound",
            "credentials_invalid",
            "token_invalid",
        ),
        *(
            "account_disabled",
            "origin_not_allowed",
            "provider_unknown",
            "receipt_unknown",
            "too_many_requests",
            "sms_too_frequent",
            "sms_quota",
        ),
        *("too_many_attempts", "sms_not_sent", "provider_unavailable", "storage_unavailable", "server_busy"),
    }


def test_the_provider_and_gateway_protocols() -> None:
    assert set(oauth.KINDS) == {
        *("qq", "qq_app", "weibo", "apple", "alipay", "oidc"),
        *("wechat_web", "wechat_oa", "wechat_app", "wechat_miniprogram"),
    }
    assert oauth.WebProvider.__abstractmethods__ == {"login_url", "exchange", "refused"}
    assert oauth.NativeProvider.__abstractmethods__ == {"verify"}
    offered = {name for name in vars(oauth.Provider) if not name.startswith("_")}
    assert offered == {"settings_class", "required", "app_id", "asks_unionid", "check", "unionid", "profile"} | {
        "asking",
        "asks_profile_first",
        "misconfigured",
        "unavailable",
    }
    assert {name for name in vars(sms.Gateway) if not name.startswith("_")} == {"check", "send"}
    methods = {name for name in vars(human.Check) if not name.startswith("_")}
    assert methods | human.Check.__annotations__.keys() == {"name", "visual", "origins", "check", "issue", "verify"}


def test_what_hosts_test_with() -> None:
    names = {name for name in vars(testing.FakeQQ) if not name.startswith("_")} | {"outbox"}
    assert names == {"arrive", "bind", "click", "image_text", "outbox", "read_code", "send_code", "sign_in"}
    assert list(testing.Person.__dataclass_fields__) == ["openid", "nickname", "unionid"]


def test_the_app() -> None:
    assert PhonebindConfig.name == "phonebind"
    assert all(
        check.__module__ in {f"phonebind.{name}checks" for name in ("", "setting_", "token_", "user_")}
        for check in CHECKS
    )
    assert phonebind.__version__.count(".") == 2


IMPORT_ALL = """
import importlib, pathlib, sys
import django
from django.conf import settings
OURS = ["rest_framework", "phonebind"]
settings.configure(
    SECRET_KEY="x" * 50,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.admin", *OURS],
    CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}},
)
django.setup()
import phonebind
root = pathlib.Path(phonebind.__file__).parent
for path in root.rglob("*.py"):
    importlib.import_module(".".join(["phonebind", *path.relative_to(root).with_suffix("").parts]))
print([name for name in sys.modules if name.startswith("phonebind_sandbox")])
print(sum(name.startswith("phonebind.") for name in sys.modules) > 25)
"""


def test_threat_22_the_core_does_not_import_the_sandbox() -> None:
    """The whole core is imported, in a host that has not installed the sandbox and whose Valkey is down."""
    command = [sys.executable, "-W", "error", "-c", IMPORT_ALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\nTrue\n", done.stderr
