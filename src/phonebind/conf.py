"""The ``PHONEBIND`` setting, typed and lazy: ``from phonebind.conf import conf``.

The setting is read on first use, and again when a test overrides it. ``phonebind.checks`` reports its errors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

SETTING = "PHONEBIND"

#: The dialects of ``phonebind.api.dialects``.
FRONT_ENDS = ("contract", "tutorial", "session")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One entry of ``PROVIDERS``: the values of the provider's console, and our options. Some providers have more.

    The name of an entry is its kind (``phonebind.oauth.KINDS``); an entry with another name gives the kind as its
    ``provider``. So a site can have several apps of one kind, and its own providers by their dotted paths.
    """

    client_id: str
    #: The secret of the app, whatever the provider calls it.
    client_secret: str = field(default="", repr=False)
    #: The address to which the provider sends browsers back. Apps and mini programs have none.
    redirect_uri: str = ""
    #: The provider's address; empty for the real one. The sandbox's address during development.
    base_url: str = ""
    #: The permissions to ask for; empty for the fewest that a sign-in needs.
    scope: str = ""
    #: The address of the front end's callback page, for a ``FRONT_END`` where the provider sends people to us first.
    callback_page: str = ""
    #: Whether the app has the permission to see the unionid: one person's id in all apps of this developer.
    unionid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """Every setting with its default. ``SITE_NAME`` in ``PHONEBIND`` is ``conf.site_name`` here.

    It has no repr, since half of its values hold secrets, and error reporting tools show the variables of a frame.
    """

    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: ``{"gateway": "dotted.path.Class", …}``; all other entries go to the gateway as keyword arguments.
    sms: Mapping[str, Any] = field(default_factory=lambda: {"gateway": "phonebind.sms.console.Console"})
    #: How receipts of SMS come. "": not at all. "pull": the vendor has a call for them. A secret: it ends the path to
    #: which vendors send them. See docs/en/how-to/sms/receipts.md.
    sms_receipts: str = ""
    #: The sources that prove a mobile without an SMS, by the name that clients send:
    #: ``{"aliyun": {"access_key_id": …}, …}``. See docs/en/how-to/one-tap.md.
    mobile_proofs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Which strengths of ``phonebind.verified`` are enough to make an account, and which to bind an existing one.
    new_account_proofs: tuple[str, ...] = ("sms", "carrier", "realtime", "quick")
    join_proofs: tuple[str, ...] = ("sms", "carrier", "realtime")
    #: The human check before an SMS: a word of ``phonebind.human.MODES``, or ``{"check": "path.Class", …}``. "none"
    #: needs the host's own limits: ``phonebind.human.BOUNDS``.
    human_check: str | Mapping[str, Any] = "image"
    #: The name of the site in SMS and on the pages.
    site_name: str = "phonebind"
    #: Addresses of the terms of use and of the privacy policy. The bind page asks for consent to those that are set.
    terms_url: str = ""
    privacy_url: str = ""
    #: Address of the page for a new password. The bind page offers it beside a wrong password.
    password_reset_url: str = ""
    #: The unique field of the user model that holds the mobile number.
    mobile_field: str = "mobile"
    #: How that field stores a number: "{}" for the 11 digits, "+86{}"; or two functions (or their dotted paths), from
    #: the 11 digits to the stored value, and back.
    mobile_format: str | tuple[Callable[[str], Any] | str, Callable[[Any], str] | str] = "{}"
    #: Makes new accounts: a function ``(request, identity, fields) -> user``, or its dotted path. See
    #: docs/en/how-to/user-models.md.
    account_factory: Callable[..., Any] | str = ""
    #: True: the SMS code alone binds an account that has no password. False refuses such a bind.
    bind_without_password: bool = True
    #: The ``CACHES`` alias whose Redis or Valkey is used: Django's RedisCache, or django-redis's.
    cache: str = "default"
    #: Hosts that ``next`` may lead to, besides the request's own.
    allowed_next_hosts: tuple[str, ...] = ()
    #: Origins of front ends on other sites (``https://front.example``), besides those in django-cors-headers' settings.
    allowed_origins: tuple[str, ...] = ()
    #: The dialect of the front end: a word of ``FRONT_ENDS``. See docs/en/how-to/front-ends.md.
    front_end: str = "contract"
    #: Serve front ends that send no ``state`` and no cookies. docs/en/how-to/front-ends.md says which protection is
    #: lost.
    legacy_state: bool = False
    #: Seconds from a sign-in until the last refresh token of its chain ends.
    sign_in_max_age: int = 90 * 86_400
    #: Keys that verify tokens besides ``SIMPLE_JWT``'s keys: former ones, and one that will sign soon. Pairs of
    #: ALGORITHM and VERIFYING_KEY as ``SIMPLE_JWT`` calls them (SIGNING_KEY for a secret). See
    #: docs/en/how-to/production.md.
    token_keys: tuple[tuple[str, str], ...] = ()
    #: ``phonebind.lifecycle``, in seconds. ``refresh_grace``: a refresh token that is sent again within it gets the
    #: same successor. ``step_up_max_age``: how long a step-up is valid. ``mobile_change_delay``: how long the change of
    #: a mobile waits whose owner has lost the old number.
    refresh_grace: int = 20
    step_up_max_age: int = 600
    mobile_change_delay: int = 259_200
    #: ``phonebind.lifecycle``: an SMS tells the old number that its account will change. It costs as much as a code.
    mobile_change_notice: bool = True
    #: ``phonebind.lifecycle``: sign in by SMS alone, and register by SMS.
    sms_sign_in: bool = False
    sms_sign_up: bool = False
    #: ``phonebind.lifecycle``. ``known_mobile``: what binds an existing account, "password", "sms" or "either".
    #: ``second_identity``: what a bind does if the account has another identity of the same provider, "both", "ask" or
    #: "refuse". ``owner_word``: whether a person's word is enough for a number whose account has no second way to sign
    #: in, "accept", "hold" or "refuse". ``number_state``: the service that knows which numbers have a new owner,
    #: ``{"gateway": "aliyun", …}``.
    known_mobile: str = "password"
    second_identity: str = "both"
    owner_word: str = "accept"
    number_state: Mapping[str, Any] = field(default_factory=dict)
    #: ``phonebind.lifecycle`` with FRONT_END "tutorial". ``legacy_counts``: whether the counts tell if an account
    #: exists, "limited", or always "zero". ``legacy_user_fields``: fields of the user model that ``/user/`` shows
    #: besides id, username and mobile.
    legacy_counts: str = "limited"
    legacy_user_fields: tuple[str, ...] = ()
    #: ``phonebind.operations``. ``metrics_token``: the token that Prometheus sends to scrape ``/metrics/``; "" counts
    #: nothing. ``tracing``: whether OpenTelemetry spans surround calls to other servers.
    metrics_token: str = ""
    tracing: bool = False
    #: ``phonebind.operations``. ``sms_prices``: the price of one SMS of each gateway, ``{"aliyun": "0.045"}``.
    #: ``sms_currency``: the sign before an amount. ``pumping_alarm``: suspect SMS pumping at "sent" SMS in an hour, if
    #: less than the part "used" of the numbers has used the code. See docs/en/how-to/operations/index.md#alarms.
    sms_prices: Mapping[str, Any] = field(default_factory=dict)
    sms_currency: str = "\u00a5"
    pumping_alarm: Mapping[str, Any] = field(default_factory=lambda: {"sent": 50, "used": 0.3})
    #: ``phonebind.operations``: the key of the hash that finds events by a mobile; "" for ``SECRET_KEY``.
    events_key: str = ""
    #: ``phonebind.operations``: services that are notified of acts on accounts, each under a name that you choose:
    #: ``{"shop": {"url": "https://…", "secret": "whsec_…"}}``. See docs/en/how-to/operations/webhooks.md.
    webhooks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: How many proxies before Django append to X-Forwarded-For.
    trusted_proxies: int = 0
    #: "None" if the front end is on another site than the API (needs HTTPS).
    cookie_samesite: str = "Lax"
    #: Seconds to connect to a provider or an SMS gateway, and seconds until its whole answer must have arrived.
    connect_timeout: float = 1.0
    total_timeout: float = 3.0
    #: How many threads of a process may wait for providers at once, and how many for the SMS gateway. A human check
    #: that calls another site, and proofs of a mobile without SMS, have half as many again each.
    provider_slots: int = 8
    sms_slots: int = 4
    #: How many threads of a process may hash a password at once.
    hash_slots: int = 2
    #: Overrides of the table in ``phonebind.limits``: ``{"sms_mobile_day": (10, 86400)}``.
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@cache
def development() -> bool:
    """DEBUG at Django's start. Test runners turn DEBUG off later, but a developer's machine is then no production."""
    return settings.DEBUG


def function(named: Callable[..., Any] | str) -> Callable[..., Any]:
    """The function that a setting names, by itself or by its dotted path. Raises ImportError."""
    return cast("Callable[..., Any]", import_string(named)) if isinstance(named, str) else named


NAMES = tuple(f.name.upper() for f in fields(Settings))


def _load() -> Settings:
    raw = getattr(settings, SETTING, {})
    try:
        return Settings(**{name.lower(): value for name, value in raw.items()})
    except (AttributeError, TypeError) as error:
        raise ImproperlyConfigured(f"{SETTING}: {error}. Known settings: {', '.join(NAMES)}.") from error


class _Conf:
    """The settings as its own attributes, after the first use. A request reads two dozen of them, and a
    ``SimpleLazyObject`` would look up each one anew.
    """

    def __getattr__(self, name: str) -> Any:
        loaded = _load()
        vars(self).update({each.name: getattr(loaded, each.name) for each in fields(loaded)})
        return object.__getattribute__(self, name)


conf = cast("Settings", _Conf())


def _reload(*, setting: str, **kwargs: object) -> None:
    if setting == SETTING:
        vars(conf).clear()


setting_changed.connect(_reload)
