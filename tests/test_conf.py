"""``PHONEBIND``, typed and lazy."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from phonebind import conf as conf_module
from phonebind import oauth
from phonebind.conf import NAMES, conf
from phonebind.exceptions import ProviderUnknown
from tests.support.edge import Configure


def test_every_setting_has_a_default(settings: Settings) -> None:
    settings.PHONEBIND = {}
    assert (conf.mobile_field, conf.cache, conf.trusted_proxies) == ("mobile", "default", 0)
    assert (conf.connect_timeout, conf.total_timeout) == (1.0, 3.0)
    assert dict(conf.providers) == {}


def test_it_may_be_missing_altogether(settings: Settings) -> None:
    del settings.PHONEBIND
    assert conf.site_name == "phonebind"


def test_what_is_dangerous_is_off_by_default(settings: Settings) -> None:
    settings.PHONEBIND = {}
    assert conf.legacy_state is False
    assert conf.sms_receipts == ""
    assert conf.allowed_next_hosts == ()
    assert conf.cookie_samesite == "Lax"


def test_threat_9_no_setting_is_shown_with_its_secrets() -> None:
    """Sentry and similar tools send the variables of a frame as repr() prints them."""
    secret = "whsec_of_the_shop"
    several = {"a": {"secret": secret, "client_secret": secret}}
    given: dict[str, Any] = dict.fromkeys(("providers", "sms", "mobile_proofs", "webhooks", "number_state"), several)
    given |= dict.fromkeys(("sms_receipts", "metrics_token", "events_key"), secret)
    assert secret not in repr(conf_module.Settings(**given, token_keys=(("HS256", secret),)))


def test_a_change_is_seen_at_once(phonebind: Configure, settings: Settings) -> None:
    phonebind(site_name="一号店")
    assert conf.site_name == "一号店"
    phonebind(site_name="二号店")
    assert conf.site_name == "二号店"


def test_other_settings_do_not_make_it_read_anew(settings: Settings) -> None:
    before = conf.providers
    settings.TIME_ZONE = "UTC"
    assert conf.providers is before


def test_what_is_no_setting_is_no_attribute() -> None:
    assert not hasattr(conf, "sitename")
    assert conf.site_name == "phonebind"


@pytest.mark.parametrize("wrong", [{"SITENAME": "x"}, {1: "x"}, ["SITE_NAME"], "SITE_NAME", None])
def test_what_cannot_be_read_is_told_with_what_is_known(settings: Settings, wrong: Any) -> None:
    settings.PHONEBIND = wrong
    with pytest.raises(ImproperlyConfigured, match=r"PHONEBIND.*SITE_NAME"):
        assert conf.site_name


def test_the_names_are_the_documented_ones() -> None:
    assert set(NAMES) == {
        "PROVIDERS",
        "SMS",
        "SMS_RECEIPTS",
        "MOBILE_PROOFS",
        "NEW_ACCOUNT_PROOFS",
        "JOIN_PROOFS",
        "HUMAN_CHECK",
        "SITE_NAME",
        "TERMS_URL",
        "PRIVACY_URL",
        "PASSWORD_RESET_URL",
        "LOGO_URL",
        "STYLE_URL",
        "HELP_URL",
        "RETURN_URL",
        "MOBILE_FIELD",
        "MOBILE_FORMAT",
        "ACCOUNT_FACTORY",
        "BIND_WITHOUT_PASSWORD",
        "CACHE",
        "ALLOWED_NEXT_HOSTS",
        "ALLOWED_ORIGINS",
        "FRONT_END",
        "LEGACY_STATE",
        "SIGN_IN_MAX_AGE",
        "METRICS_TOKEN",
        "TRACING",
        "EVENTS_KEY",
        "SMS_PRICES",
        "SMS_CURRENCY",
        "PUMPING_ALARM",
        "TOKEN_KEYS",
        "TRUSTED_PROXIES",
        "COOKIE_SAMESITE",
        "CONNECT_TIMEOUT",
        "TOTAL_TIMEOUT",
        "PROVIDER_SLOTS",
        "SMS_SLOTS",
        "HASH_SLOTS",
        "LIMITS",
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
        "WEBHOOKS",
    }


def test_a_provider_is_typed(settings: Settings) -> None:
    entry = {"client_id": "1", "client_secret": "s", "redirect_uri": "https://shop.example/callback"}
    settings.PHONEBIND = {"PROVIDERS": {"qq": entry}}
    typed = oauth.get("qq").settings
    assert typed.redirect_uri == "https://shop.example/callback"
    assert (typed.base_url, typed.unionid) == ("", False)


@pytest.mark.parametrize(("name", "error"), [("weibo", ProviderUnknown), ("qq", TypeError)])
def test_a_provider_without_or_with_half_an_entry(settings: Settings, name: str, error: type[Exception]) -> None:
    settings.PHONEBIND = {"PROVIDERS": {"qq": {"client_secret": "s"}}}
    with pytest.raises(error):
        oauth.get(name)
