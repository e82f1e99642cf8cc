"""The messages of `manage.py check`, before the first visitor comes."""

import importlib
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.middleware import SessionMiddleware as DjangosOwn
from django.core.checks import run_checks
from django.core.management import call_command
from pytest_django import Settings

from phonebind import checks, human, life, setting_checks
from phonebind.api import urls
from phonebind.conf import NAMES
from phonebind.human.altcha import Altcha
from tests.support.edge import Configure
from tests.support.key_pairs import key_pair, of

QQ = {"client_id": "1", "client_secret": "s", "redirect_uri": "https://shop.example/cb/"}


@pytest.fixture(autouse=True)
def _shop(phonebind: Configure) -> None:
    """The settings of a shop in which nothing is wrong."""
    links = {"terms_url": "/terms/", "privacy_url": "/privacy/"}
    phonebind(providers={"base_url": ""}, site_name="一号店", **links)


def found() -> list[str]:
    """The ids of the messages, sorted: Django runs checks in any order."""
    return sorted(found.id.removeprefix("phonebind.") for found in run_checks(tags=["phonebind"]) if found.id)


def said() -> str:
    return "\n".join(str(message) for message in run_checks(tags=["phonebind"]))


def test_nothing_is_wrong_with_good_settings() -> None:
    assert found() == []


def test_without_any_setting_there_is_no_provider_and_only_the_console(
    settings: Settings, start_with_debug: Callable[[bool], None]
) -> None:
    start_with_debug(False)
    del settings.PHONEBIND
    assert sorted(found()) == ["E002", "E005"]


def test_every_setting_has_its_type() -> None:
    assert set(setting_checks.TYPES) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROVIDER", {}),
        ("site_name", "x"),
        (7, "x"),
        ("PROVIDERS", ["qq"]),
        ("SMS", "phonebind.sms.console.Console"),
        ("SITE_NAME", None),
        ("HUMAN_CHECK", None),
        ("HUMAN_CHECK", 5),
        ("SMS_RECEIPTS", True),
        ("SMS_RECEIPTS", None),
        ("MOBILE_FIELD", 1),
        ("ALLOWED_NEXT_HOSTS", "shop.example"),
        ("LEGACY_STATE", "false"),
        ("LEGACY_COUNTS", "Zero"),
        ("LEGACY_USER_FIELDS", ("e_mail",)),
        ("LEGACY_USER_FIELDS", ("password",)),
        ("LEGACY_USER_FIELDS", (1,)),
        ("METRICS_TOKEN", None),
        ("TRACING", "yes"),
        ("EVENTS_KEY", None),
        ("EVENTS_KEY", "s" * 31),
        ("SMS_PRICES", "0.045"),
        *(("SMS_PRICES", {"aliyun": wrong}) for wrong in ("free", "-1", "1e3", "NaN", "", None, 0.045, "0,045")),
        ("SMS_CURRENCY", None),
        ("PUMPING_ALARM", (50, 0.3)),
        ("PUMPING_ALARM", {}),
        ("PUMPING_ALARM", {"sent": 50}),
        ("PUMPING_ALARM", {"sent": 0, "used": 0.3}),
        ("PUMPING_ALARM", {"sent": "50", "used": 0.3}),
        *(("PUMPING_ALARM", {"sent": 50, "used": wrong}) for wrong in (30, -0.1, "0.3", float("nan"))),
        ("TRUSTED_PROXIES", "1"),
        ("TRUSTED_PROXIES", -1),
        ("COOKIE_SAMESITE", "Strict"),
        ("COOKIE_SAMESITE", "lax"),
        ("TOTAL_TIMEOUT", "3"),
        ("TOTAL_TIMEOUT", 0),
        ("CONNECT_TIMEOUT", -1),
        ("CONNECT_TIMEOUT", float("nan")),
        ("TOTAL_TIMEOUT", float("inf")),
        ("PROVIDER_SLOTS", 0),
        ("SMS_SLOTS", "4"),
        ("HASH_SLOTS", 0),
        ("LIMITS", []),
        ("LIMITS", {"sms_per_day": (1, 2)}),
        ("LIMITS", {"sms_mobile_day": 10}),
        ("LIMITS", {"sms_mobile_day": (10,)}),
        ("LIMITS", {"sms_mobile_day": ("10", 60)}),
        ("LIMITS", {"sms_mobile_day": (10, 0)}),
        ("LIMITS", {"sms_mobile_day": (-1, 60)}),
        ("LIMITS", {"sms_mobile_day": (10, 10**18)}),
    ],
    ids=repr,
)
def test_e001_a_setting_is_unknown_or_mistyped(settings: Settings, name: object, value: object) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, name: value}
    assert found() == ["E001"]
    assert str(name) in said()


@pytest.mark.parametrize(
    "secret", ["push", "Pull", "switched_on", "s" * 31, "s" * 129, "s" * 31 + "/", "密" * 32, "s" * 32 + "\n"]
)
def test_e001_a_secret_for_receipts_that_is_none_is_not_repeated(settings: Settings, secret: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS_RECEIPTS": secret}
    assert found() == ["E001"]
    assert "SMS_RECEIPTS must be" in said()
    assert secret not in said()


@pytest.mark.parametrize("value", ["", "pull", "s" * 32, "aA0_-" * 25])
def test_a_way_for_receipts(settings: Settings, value: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS_RECEIPTS": value}
    assert found() == []


def test_prices_and_one_that_is_none(settings: Settings) -> None:
    prices: dict[str, object] = {"aliyun": "0.045", "tencent": 1, "http": Decimal("0.05")}
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS_PRICES": prices}
    assert setting_checks.check_settings() == []
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS_PRICES": {**prices, "yuntongxun": "free"}}
    [error] = setting_checks.check_settings()
    assert "SMS_PRICES: 'free' is no price of one SMS of 'yuntongxun'" in error.msg


@pytest.mark.parametrize("value", [None, [], "qq"], ids=repr)
def test_e001_the_setting_is_no_dict(settings: Settings, value: object) -> None:
    settings.PHONEBIND = value
    assert found() == ["E001"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_NEXT_HOSTS", ["shop.example"]),
        ("TRUSTED_PROXIES", 2),
        ("COOKIE_SAMESITE", "Lax"),
        ("LEGACY_COUNTS", "zero"),
        ("LEGACY_USER_FIELDS", ["email", "is_active"]),
        ("TOTAL_TIMEOUT", 2),
        ("LIMITS", {"sms_mobile_day": (10, 60)}),
        ("LIMITS", {"sms_mobile_day": [0, 60]}),
    ],
    ids=repr,
)
def test_settings_as_they_may_be(settings: Settings, name: str, value: object) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, name: value}
    assert found() == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "['qq']: missing: client_id"),
        ({**QQ, "client_key": "x"}, "['qq']: unknown: 'client_key'; the options are client_id, client_secret, "),
        ({**QQ, "client_id": ""}, "client_id is empty"),
        ({**QQ, "client_id": 101000001}, "client_id must be a str"),
        ({**QQ, "client_secret": None}, "client_secret must be a str"),
        ({**QQ, "base_url": 7}, "base_url must be a str"),
        ({**QQ, "redirect_uri": "/cb/"}, "whole http(s) URL"),
        ({**QQ, "redirect_uri": "javascript:x"}, "whole http(s) URL"),
        ({**QQ, "redirect_uri": 7}, "redirect_uri must be a str"),
        ({**QQ, "redirect_uri": "http://["}, "redirect_uri must be a whole http(s) URL"),
        ({**QQ, "redirect_uri": "https:///callback"}, "redirect_uri must be a whole http(s) URL"),
        ({**QQ, "redirect_uri": "https://shop.example/#/callback"}, "redirect_uri must be a whole http(s) URL"),
        ({**QQ, "unionid": "no"}, "unionid must be a bool"),
        ({**QQ, "unionid": None}, "unionid must be a bool"),
        ({**QQ, "unionid": 1}, "unionid must be a bool"),
        ("secret", "must be a mapping"),
        (None, "must be a mapping"),
    ],
    ids=repr,
)
def test_e002_a_provider_is_misconfigured(settings: Settings, entry: Any, words: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"qq": entry}}
    assert set(found()) == {"E002"}
    assert words in said()


def test_e002_a_provider_is_unknown(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"facebook": QQ}}
    assert found() == ["E002"]
    assert "known are qq" in said()


CARRIER = {"provider": "tests.support.providers.Carrier", "client_id": "1"}
SECRETIVE = {**QQ, "provider": "tests.support.providers.Secretive"}
LETTERED = {**QQ, "provider": "tests.support.providers.Lettered"}


@pytest.mark.parametrize(
    "providers",
    [
        {"carrier": CARRIER},
        {"anything": {**CARRIER, "regions": ["cn", "hk"]}},
        {"qq": {**QQ, "provider": "qq"}, "qq_shop": {**QQ, "provider": "qq"}},
        {"secretive": SECRETIVE, "lettered": LETTERED},
        {"tests.support.providers.Lettered": QQ},
    ],
    ids=",".join,
)
def test_providers_as_they_may_be(settings: Settings, providers: Any) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": providers}
    assert found() == []


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({**CARRIER, "client_id": ""}, "client_id is empty."),
        ({**CARRIER, "regions": "cn"}, "regions must be a list of str."),
        ({**CARRIER, "regions": ["cn", 1]}, "regions must be a list of str."),
        ({**CARRIER, "callback_page": "https://shop.example/"}, "callback_page must be"),
        ({**CARRIER, "client_key": "x"}, "client_key"),
        ({**CARRIER, "provider": "tests.support.providers.Nobody"}, "Nobody"),
        ({**CARRIER, "provider": "nowhere.Nobody"}, "nowhere"),
        ({**CARRIER, "provider": "facebook"}, "unknown; known are qq"),
        ({**CARRIER, "provider": ""}, "unknown; known are qq"),
        ({**CARRIER, "provider": ["qq"]}, "unhashable"),
        ({**SECRETIVE, "redirect_uri": ""}, "redirect_uri is empty."),
        ({**SECRETIVE, "client_secret": ""}, "client_secret is empty."),
        ({**SECRETIVE, "scope": "wrong"}, "scope is not theirs."),
    ],
    ids=repr,
)
def test_e002_a_provider_of_the_hosts_own_is_misconfigured(settings: Settings, entry: Any, words: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"mine": entry}}
    assert found() == ["E002"]
    assert "['PROVIDERS']['mine']" in said()
    assert words in said()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"LEGACY_STATE": True}, ["E002", "W001"]),
        ({"FRONT_END": "tutorial"}, ["E002", "W001"]),
        ({"FRONT_END": "session"}, ["W001"]),
        ({}, []),
    ],
    ids=repr,
)
def test_e002_a_secret_takes_a_cookie(settings: Settings, changes: dict[str, Any], expected: list[str]) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"secretive": SECRETIVE}, **changes}
    assert found() == expected
    assert ("it needs a secret in a cookie" in said()) == ("E002" in expected)


@pytest.mark.parametrize(
    "changes", [{"LEGACY_STATE": True}, {"FRONT_END": "tutorial"}, {"FRONT_END": "session"}], ids=repr
)
def test_w011_a_provider_brings_no_next_back(settings: Settings, changes: dict[str, Any]) -> None:
    providers = {"lettered": LETTERED, "qq": QQ, "carrier": CARRIER, "broken": {**LETTERED, "client_id": ""}}
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": providers}
    assert found() == ["E002"], "ours is letters and digits"
    settings.PHONEBIND = {**settings.PHONEBIND, **changes}
    assert found() == ["E002", "W001", "W011"]
    assert "['PROVIDERS']['lettered'] does not bring next back" in said()


def test_e002_no_provider_at_all(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {}}
    assert found() == ["E002"]
    assert "['PROVIDERS'] is empty" in said()


def test_no_check_says_a_secret(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"qq": {**QQ, "client_secret": "hush", "oops": 1}}}
    assert "hush" not in said()


@pytest.mark.parametrize("name", ["phone", "first_name", "social_accounts", ""])
def test_e003_the_mobile_field_is_missing_or_not_unique(settings: Settings, name: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "MOBILE_FIELD": name}
    assert found() == ["E003"]


@pytest.mark.parametrize("name", ["id", "is_active", "date_joined"])
def test_e003_the_mobile_field_holds_no_text(settings: Settings, name: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "MOBILE_FIELD": name}
    assert found() == ["E003"]
    assert f"{name} must be a CharField for 11 characters" in said()


@pytest.mark.parametrize(("length", "expected"), [(10, ["E003"]), (11, []), (None, [])])
def test_e003_the_mobile_field_is_too_short(
    monkeypatch: pytest.MonkeyPatch, length: int | None, expected: list[str]
) -> None:
    monkeypatch.setattr(get_user_model()._meta.get_field("mobile"), "max_length", length)
    assert found() == expected


def test_the_username_may_be_the_mobile(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "MOBILE_FIELD": "username"}
    assert found() == []


@pytest.mark.parametrize("alias", ["codes", "local"])
def test_e004_the_cache_is_missing_or_of_another_kind(settings: Settings, alias: str) -> None:
    settings.CACHES = {**settings.CACHES, "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.PHONEBIND = {**settings.PHONEBIND, "CACHE": alias}
    assert found() == ["E004"]


@pytest.mark.parametrize(
    "sms",
    [
        {},
        {"gateway": None},
        {"gateway": "console"},
        {"gateway": "phonebind.sms.nowhere.Nowhere"},
        {"gateway": "phonebind.sms.sandbox.Sandbox"},
        {"gateway": "phonebind.sms.sandbox.Sandbox", "url": ""},
        {"gateway": "phonebind.sms.console.Console"},
        {"gateway": "phonebind.sms.console.Console", "url": "http://x/"},
        {"gateway": "builtins.object"},
    ],
    ids=repr,
)
def test_e005_the_gateway_is_unusable(
    settings: Settings, start_with_debug: Callable[[bool], None], sms: object
) -> None:
    start_with_debug(False)
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS": sms}
    assert found() == ["E005"]


def test_e005_says_what_the_class_lacks(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "SMS": {"gateway": "phonebind.human.altcha.Altcha"}}
    assert "phonebind.human.altcha.Altcha lacks send" in said()


ALTCHA = "phonebind.human.altcha.Altcha"


class Mute(Altcha):
    def check(self) -> Any:
        return None


class Wordy(Altcha):
    def check(self) -> Any:
        return "secret is empty"


class Nameless(Altcha):
    name = None  # type: ignore[assignment]


class Numbered(Altcha):
    name = 5  # type: ignore[assignment]

    def __len__(self) -> int:
        return 0


class Scalar(Altcha):
    origins = "https://riddles.example"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("captcha", "there is no 'captcha'; known are image, altcha, image+altcha, adaptive, none"),
        ({}, "neither an image nor a check"),
        ({"image": False}, "neither an image nor a check"),
        ({"image": "no"}, "True or False"),
        ({"check": ALTCHA, "image": True, "adaptive": "false"}, "True or False"),
        ({"check": 5}, "check is a dotted path"),
        ({"check": "nowhere"}, "ImportError"),
        ({"check": "phonebind.human.altcha.Nothing"}, "ImportError"),
        ({"check": "builtins.object"}, "lacks name, visual, origins, check, issue, verify"),
        ({"check": "tests.human.test_human.Half"}, "verify"),
        ({"check": f"{__name__}.Mute"}, "Mute.check() must return a list of str"),
        ({"check": f"{__name__}.Wordy"}, "Wordy.check() must return a list of str"),
        ({"check": f"{__name__}.Scalar"}, "Scalar.origins must be a list or tuple of str"),
        ({"check": f"{__name__}.Nameless"}, "lacks name"),
        ({"check": f"{__name__}.Numbered"}, "name is a str, and visual True or False"),
        (' {"app_secret_key": "hush"}', "it is no word; known are image"),
        ("hush-hush-hush-hush-hush-hush-hush", "it is no word"),
        ({"check": ALTCHA, "price": 1}, "price"),
        ({"check": ALTCHA, "cost": 1}, "cost must be"),
        ({"check": ALTCHA, "adaptive": True}, "name both"),
        ({"image": True, "adaptive": True}, "name both"),
        ({"image": True, "cost": 1_000}, "without a check there are no options: remove cost"),
        ({"image": True, 1: 2}, "without a check"),
        ({"image": False, "check": ""}, "neither an image nor a check"),
    ],
    ids=repr,
)
def test_e007_the_human_check_is_unusable(settings: Settings, setting: object, words: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "HUMAN_CHECK": setting}
    assert found() == ["E007"]
    assert words in said()
    assert "hush" not in said()


#: The limits that a host must set itself when no human check is required.
BOUNDS = {"sms_address_hour": (5, 3_600), "sms_site_hour": (100, 3_600), "sms_site_day": (500, 86_400)}


@pytest.mark.parametrize("unset", [list(BOUNDS), *([name] for name in BOUNDS)], ids=str)
def test_e007_free_sms_need_the_hosts_own_limits(settings: Settings, unset: list[str]) -> None:
    own = {name: bound for name, bound in BOUNDS.items() if name not in unset}
    settings.PHONEBIND = {**settings.PHONEBIND, "HUMAN_CHECK": "none", "LIMITS": {**own, "no_image_site_day": (1, 60)}}
    assert found() == ["E007", "W010"]
    assert f"LIMITS must have your own {', '.join(unset)}\n" in f"{said()}\n"
    with pytest.raises(ValueError, match=unset[0]):
        human.load()


def test_w010_free_sms_are_warned_of(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "HUMAN_CHECK": "none", "LIMITS": BOUNDS}
    assert found() == ["W010"]
    human.load()


@pytest.mark.parametrize("setting", [*set(human.MODES) - {"none"}, {"check": ALTCHA, "cost": 20_000}], ids=repr)
def test_human_checks_as_they_may_be(settings: Settings, setting: object) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "HUMAN_CHECK": setting}
    assert found() == []


def test_e006_a_username_that_is_an_email(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_user_model(), "USERNAME_FIELD", "email")
    assert found() == ["E006"]


def test_w001_legacy_state_is_warned_of(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "LEGACY_STATE": True}
    assert found() == ["W001"]


@pytest.mark.parametrize(
    ("front_end", "words"), [("tutorial", "to another account. Send state"), ("session", "about to")]
)
def test_w001_front_ends_that_bring_no_state_are_warned_of(settings: Settings, front_end: str, words: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "FRONT_END": front_end, "LEGACY_STATE": True}
    assert found() == ["W001"], "once"
    assert f"is '{front_end}'" in said()
    assert words in said()


@pytest.mark.parametrize("value", ["", "Tutorial", "jwt"])
def test_e001_an_unknown_front_end_is_told_and_not_a_crash(settings: Settings, value: str) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "FRONT_END": value}
    assert "E001" in found()
    assert "FRONT_END must be one of 'contract', 'tutorial', 'session'." in said()
    importlib.reload(urls)
    assert [route.name for route in urls.urlpatterns if route.name in ("relay", "follow")] == []


class SessionMiddleware(DjangosOwn):
    """A host's own class."""


def test_e012_the_session_edition_needs_sessions(settings: Settings) -> None:
    djangos = "django.contrib.sessions.middleware.SessionMiddleware"
    without = [path for path in settings.MIDDLEWARE if path != djangos]
    settings.MIDDLEWARE = without
    # The pages need sessions too, and have their own check for it.
    assert found() == ["phonebind_pages.E001"]
    settings.PHONEBIND = {**settings.PHONEBIND, "FRONT_END": "session"}
    assert {"E012", "W001"} <= set(found())
    assert djangos in said()
    for path in (djangos, f"{__name__}.SessionMiddleware"):
        settings.MIDDLEWARE = [path, *without]
        assert "E012" not in found()


@pytest.mark.parametrize(
    ("front_end", "page", "expected"),
    [
        ("tutorial", "https://shop.example/oauth_callback.html", ["W001"]),
        ("session", "http://shop.example:8080/oauth_callback.html", ["W001"]),
        ("tutorial", "/oauth_callback.html", ["E002", "W001"]),
        ("contract", "https://shop.example/oauth_callback.html", ["E002"]),
        ("tutorial", 7, ["E002", "W001"]),
    ],
)
def test_e002_a_callback_page_is_for_front_ends_that_bring_no_state(
    settings: Settings, front_end: str, page: Any, expected: list[str]
) -> None:
    providers = {"qq": {**QQ, "callback_page": page}}
    settings.PHONEBIND = {**settings.PHONEBIND, "FRONT_END": front_end, "PROVIDERS": providers}
    assert sorted(found()) == expected
    assert ("callback_page must be" in said()) == ("E002" in expected)


@pytest.mark.parametrize(("base_url", "expected"), [("http://graph.qq.com", ["W002"]), ("https://graph.qq.com", [])])
def test_w002_a_provider_without_tls_is_warned_of(
    settings: Settings, start_with_debug: Callable[[bool], None], base_url: str, expected: list[str]
) -> None:
    start_with_debug(False)
    settings.PHONEBIND = {**settings.PHONEBIND, "PROVIDERS": {"qq": {**QQ, "base_url": base_url}}}
    assert found() == expected
    start_with_debug(True)
    assert found() == []


def test_w003_cookies_for_another_site_must_be_secure(settings: Settings) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "COOKIE_SAMESITE": "None"}
    settings.SESSION_COOKIE_SECURE = False
    assert found() == ["W003"]
    settings.SESSION_COOKIE_SECURE = True
    assert found() == []


def test_manage_py_check_runs_them_all(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "LEGACY_STATE": True}
    call_command("check", tags=["phonebind"])
    assert "phonebind.W001" in capsys.readouterr().err


@pytest.mark.skipif(bool(life.installed), reason="the app is installed")
@pytest.mark.parametrize("name", ["KNOWN_MOBILE", "SECOND_IDENTITY", "OWNER_WORD", "SMS_SIGN_IN", "SMS_SIGN_UP"])
def test_the_account_life_is_set_and_not_installed(settings: Settings, name: str) -> None:
    assert checks.check_account_life() == []
    settings.PHONEBIND = {**settings.PHONEBIND, name: {"OWNER_WORD": "hold"}.get(name, name[:3] == "SMS" or "ask")}
    [error] = checks.check_account_life()
    assert (error.id, name in error.msg) == ("phonebind.E014", True)


@pytest.mark.skipif(apps.is_installed("phonebind.operations"), reason="the app is installed")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("METRICS_TOKEN", "a" * 32),
        ("TRACING", True),
        ("SMS_PRICES", {"aliyun": "0.045"}),
        ("SMS_CURRENCY", "HK$"),
        ("PUMPING_ALARM", {"sent": 100, "used": 0.3}),
        ("EVENTS_KEY", "a" * 32),
        ("WEBHOOKS", {"crm": {"url": "https://crm.example/", "secret": "a" * 32}}),
    ],
)
def test_e021_operations_is_set_and_not_installed(settings: Settings, name: str, value: object) -> None:
    assert checks.check_operations() == []
    settings.PHONEBIND = {**settings.PHONEBIND, name: value}
    [error] = checks.check_operations()
    assert (error.id, name in error.msg, "a" * 32 in error.msg) == ("phonebind.E021", True, False)


def test_the_docstring_lists_every_id() -> None:
    listed = set(re.findall(r"[EW][0-9]{3}", checks.__doc__ or ""))
    assert listed == {*(f"E{n:03}" for n in (*range(1, 16), 20, 21)), *(f"W{n:03}" for n in range(1, 14))}


class Apart:
    """A router that sends the bindings to another database than the users."""

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "elsewhere" if model._meta.app_label == "phonebind" else None


def test_e009_users_and_bindings_lie_apart(settings: Settings) -> None:
    settings.DATABASE_ROUTERS = [Apart()]
    assert found() == ["E009"]
    assert "default and elsewhere" in said()


# ---------------------------------------------------------------- check --deploy


def deployed() -> list[str]:
    """The ids that ``check --deploy`` reports."""
    messages = run_checks(tags=["phonebind"], include_deployment_checks=True)
    return [str(message.id).removeprefix("phonebind.") for message in messages]


COOKIE_NAMES = "phonebind.middleware.CookieNamesMiddleware"


def test_w004_cookies_reach_django_as_they_came(settings: Settings) -> None:
    others = [name for name in settings.MIDDLEWARE if name != COOKIE_NAMES]
    settings.CORS_ALLOW_ALL_ORIGINS = False
    assert deployed() == []
    for middleware in (
        others,
        [*others, COOKIE_NAMES],
        [],
        ["django.middleware.csrf.CsrfViewMiddleware", COOKIE_NAMES],
    ):
        settings.MIDDLEWARE = middleware
        assert "W004" in deployed()
        assert "W004" not in found()
    settings.MIDDLEWARE = [others[0], COOKIE_NAMES, *others[1:]]
    assert "W004" not in deployed()


@pytest.mark.parametrize("name", ["CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"])
def test_w005_every_site_is_allowed(settings: Settings, name: str) -> None:
    setattr(settings, name, True)
    assert deployed() == ["W005"]
    assert found() == []


def test_w007_the_site_has_no_name_of_its_own(phonebind: Configure, settings: Settings) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = False
    phonebind(site_name="phonebind")
    assert deployed() == ["W007"]
    assert found() == []


@pytest.mark.parametrize(
    ("name", "languages"),
    [("店" * 13, ""), ("店" * 14, "en"), ("店" * 36, "zh-hans, en"), ("S" * 35, ""), ("S" * 36, "zh-hans")],
)
def test_w007_the_name_makes_two_sms_of_each(
    phonebind: Configure, settings: Settings, name: str, languages: str
) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = False
    phonebind(site_name=name)
    messages = run_checks(tags=["phonebind"], include_deployment_checks=True)
    assert [message.id for message in messages] == ["phonebind.W007"] * bool(languages)
    assert all(message.msg.endswith(f"in: {languages}.") for message in messages)


@pytest.mark.parametrize("missing", ["terms_url", "privacy_url"])
def test_w008_a_link_is_missing(phonebind: Configure, settings: Settings, missing: str) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = False
    phonebind(**{missing: ""})  # type: ignore[arg-type]
    assert deployed() == ["W008"]
    assert found() == []
    told = [message.msg for message in run_checks(tags=["phonebind"], include_deployment_checks=True)]
    assert told == [f"PHONEBIND has no {missing.upper()}."]


def test_w008_is_for_those_who_have_our_pages(phonebind: Configure, settings: Settings) -> None:
    phonebind(terms_url="", privacy_url="")
    settings.CORS_ALLOW_ALL_ORIGINS = False
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "phonebind.pages"]
    assert "W008" not in deployed()


@pytest.mark.parametrize("origin", ["front.example", "https://front.example/", "https://", "*", "", 7, None])
def test_e001_an_origin_that_is_none(settings: Settings, origin: object) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "ALLOWED_ORIGINS": ["https://a.example:8443", origin]}
    assert found() == ["E001"]


# ---------------------------------------------------------------- tokens and limits


def test_e008_a_key_that_simplejwt_does_not_find(settings: Settings) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "USER_ID_FIELD": "uuid"}
    assert found() == ["E008"]
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "USER_ID_FIELD": "username"}
    assert found() == []
    del settings.SIMPLE_JWT
    assert found() == []


PAIR, OTHER = key_pair("ES256", 1), key_pair("ES256", 2)
WITHOUT_A_PUBLIC_KEY = {"ALGORITHM": "ES256", "SIGNING_KEY": PAIR.private}


@pytest.mark.parametrize(
    ("ours", "fault"),
    [
        (PAIR.settings, ""),
        (WITHOUT_A_PUBLIC_KEY, ""),
        ({"ALGORITHM": "ES256", "SIGNING_KEY": None, "VERIFYING_KEY": PAIR.public}, ""),
        ({"ALGORITHM": "ES256"}, "SIGNING_KEY is no key for ES256"),
        ({**PAIR.settings, "SIGNING_KEY": "nonsense"}, "SIGNING_KEY is no key for ES256"),
        ({**PAIR.settings, "ALGORITHM": "RS256"}, "SIGNING_KEY is no key for RS256"),
        ({**PAIR.settings, "ALGORITHM": "RS255"}, "SIGNING_KEY is for no algorithm of simplejwt's"),
        ({**PAIR.settings, "VERIFYING_KEY": OTHER.public}, "VERIFYING_KEY is not the public key of SIGNING_KEY"),
        (of("RS256", rsa.generate_private_key(65_537, 1024)).settings, "SIGNING_KEY is too short: 2048 bits"),  # noqa: S505
    ],
)
def test_threat_60_e008_a_pair_that_cannot_sign(settings: Settings, ours: dict[str, Any], fault: str) -> None:
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, **ours}
    assert set(found()) == ({"E008"} if fault else set())
    assert fault in said()
    assert "PRIVATE" not in said()


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (PAIR.verifies, ""),
        (["HS256", "x" * 32], ""),
        (("HS256", "x" * 31), "too short: 32 bytes are the least"),
        (("HS256", ""), "no key for HS256"),
        (("HS256", PAIR.public), "no key for HS256"),
        (("ES256", PAIR.private), "a private key, and its public one is enough"),
        (("ES256", "nonsense"), "no key for ES256"),
        (("EdDSA", PAIR.public), "no key for EdDSA"),
        (("none", ""), "for no algorithm of simplejwt's"),
        (PAIR.public, "no pair of an algorithm and a key"),
        ((PAIR.public,), "no pair of an algorithm and a key"),
        (("ES256", None), "no pair of an algorithm and a key"),
    ],
)
def test_threat_60_e001_a_key_of_tokens_that_verifies_nothing(phonebind: Configure, key: Any, fault: str) -> None:
    phonebind(token_keys=[OTHER.verifies, key])
    assert found() == (["E001"] if fault else [])
    assert (f"TOKEN_KEYS[1] is {fault}." in said()) == bool(fault)
    assert "KEY-----" not in said()


def test_a_key_pair_takes_cryptography(phonebind: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> None:
        raise NotImplementedError

    monkeypatch.setattr(jwt, "get_algorithm_by_name", without)
    phonebind(token_keys=[PAIR.verifies])
    assert "for ES256, which takes: pip install cryptography" in said()


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"sms_mobile_day": (6, 86_400)}, ["W006"]),
        ({"sms_mobile_open_hour": (5, 3_600)}, ["W006"]),
        ({"sms_mobile_day": (20, 86_400)}, []),
        ({"sms_mobile_open_day": (0, 86_400)}, []),
    ],
)
def test_w006_nothing_is_kept_for_who_holds_a_ticket(
    settings: Settings, limits: dict[str, tuple[int, int]], expected: list[str]
) -> None:
    settings.PHONEBIND = {**settings.PHONEBIND, "LIMITS": limits}
    assert found() == expected
