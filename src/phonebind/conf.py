"""The ``PHONEBIND`` setting, typed and lazy: ``from phonebind.conf import conf``.

Read on first use and again whenever a test overrides it. What is wrong with it is told by ``phonebind.checks``.
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
    """One entry of ``PROVIDERS``: what the provider's console gave us, and how we use it. Some providers have more.

    An entry is named after its kind (``phonebind.oauth.KINDS``), or names it as its ``provider``: so a site may have
    several apps of one kind, and providers of its own by their dotted paths.
    """

    client_id: str
    #: Whatever the provider calls the secret of the app.
    client_secret: str = field(default="", repr=False)
    #: Where the provider sends browsers back to; for apps and mini programs there is none.
    redirect_uri: str = ""
    #: Where the provider is; empty for the real one. The sandbox's address while developing.
    base_url: str = ""
    #: What the provider is asked for; empty for as little as a sign-in takes.
    scope: str = ""
    #: Where the front end's callback page is, where the provider brings people to us first: for ``FRONT_END``.
    callback_page: str = ""
    #: The app has the permission to see the id that one person has across all apps of this developer.
    unionid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """Every setting with its default. ``SITE_NAME`` in ``PHONEBIND`` is ``conf.site_name`` here.

    Not shown, since a tool that reports errors shows the variables of a frame: half of them hold secrets.
    """

    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: ``{"gateway": "dotted.path.Class", …}``; everything else goes to the gateway as keyword arguments.
    sms: Mapping[str, Any] = field(default_factory=lambda: {"gateway": "phonebind.sms.console.Console"})
    #: How receipts of SMS come: "" not at all; "pull" where the vendor has a call for them; or the secret that ends the
    #: path which vendors send them to. See docs/en/how-to/sms/receipts.md.
    sms_receipts: str = ""
    #: What proves a mobile without an SMS, by the name that clients send: ``{"aliyun": {"access_key_id": …}, …}``. See
    #: docs/en/how-to/one-tap.md.
    mobile_proofs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Which strengths of ``phonebind.verified`` suffice to make an account, and which to bind one that exists.
    new_account_proofs: tuple[str, ...] = ("sms", "carrier", "realtime", "quick")
    join_proofs: tuple[str, ...] = ("sms", "carrier", "realtime")
    #: What shows that a person asks for an SMS: a word of ``phonebind.human.MODES``, or ``{"check": "path.Class", …}``.
    #: "none" needs limits of the host's own: ``phonebind.human.BOUNDS``.
    human_check: str | Mapping[str, Any] = "image"
    #: The name the SMS and the pages carry.
    site_name: str = "phonebind"
    #: Where the terms of use and the privacy policy are; the bind page asks for consent to those that are set.
    terms_url: str = ""
    privacy_url: str = ""
    #: Where people get a new password; the bind page offers it beside a wrong one.
    password_reset_url: str = ""
    #: The unique field of the user model that holds the mobile number.
    mobile_field: str = "mobile"
    #: How that field writes one: "{}" for the 11 digits, "+86{}"; or two functions (or their dotted paths), from the 11
    #: digits to what is stored, and back.
    mobile_format: str | tuple[Callable[[str], Any] | str, Callable[[Any], str] | str] = "{}"
    #: Makes new accounts: ``(request, identity, fields) -> user``, or its dotted path. See
    #: docs/en/how-to/user-models.md.
    account_factory: Callable[..., Any] | str = ""
    #: An account that has no password is bound by the SMS code alone; False refuses it.
    bind_without_password: bool = True
    #: The ``CACHES`` alias whose Redis or Valkey is used: Django's RedisCache, or django-redis's.
    cache: str = "default"
    #: Hosts besides the request's own that ``next`` may lead to.
    allowed_next_hosts: tuple[str, ...] = ()
    #: Origins of front ends on other sites (``https://front.example``), besides those that django-cors-headers allows.
    allowed_origins: tuple[str, ...] = ()
    #: What the front end speaks: a word of ``FRONT_ENDS``. See docs/en/how-to/front-ends.md.
    front_end: str = "contract"
    #: Serve front ends that send no ``state`` and no cookies. See docs/en/how-to/front-ends.md for what it gives up.
    legacy_state: bool = False
    #: Seconds from a sign-in until the last refresh token of its chain ends.
    sign_in_max_age: int = 90 * 86_400
    #: Keys that verify tokens besides ``SIMPLE_JWT``'s own: former ones, and one that is to sign soon. Pairs of what it
    #: calls ALGORITHM and VERIFYING_KEY (SIGNING_KEY for a secret). See docs/en/how-to/production.md.
    token_keys: tuple[tuple[str, str], ...] = ()
    #: Of ``phonebind.lifecycle``: seconds in which a refresh token that is sent again gets the same successor; how long
    #: a proof of who somebody is serves; and until a mobile is changed whose owner has lost the old one.
    refresh_grace: int = 20
    step_up_max_age: int = 600
    mobile_change_delay: int = 259_200
    #: Of the same: an SMS tells the old number that its account waits for another one. It costs what a code does.
    mobile_change_notice: bool = True
    #: Of the same: sign in by SMS alone, and register by it.
    sms_sign_in: bool = False
    sms_sign_up: bool = False
    #: Of the same: what binds an account that exists, "password", "sms" or "either"; what becomes of another identity
    #: of the same provider that it has, "both", "ask" or "refuse"; whether somebody's word is taken for a number whose
    #: account has no second way in, "accept", "hold" or "refuse"; and who knows which numbers have a new owner:
    #: ``{"gateway": "aliyun", …}``.
    known_mobile: str = "password"
    second_identity: str = "both"
    owner_word: str = "accept"
    number_state: Mapping[str, Any] = field(default_factory=dict)
    #: Of the same, for FRONT_END "tutorial": whether the counts say who has an account, "limited", or always "zero";
    #: and fields of the user model that ``/user/`` shows besides id, username and mobile.
    legacy_counts: str = "limited"
    legacy_user_fields: tuple[str, ...] = ()
    #: Of ``phonebind.operations``: what Prometheus shows to scrape ``/metrics/``; "" counts nothing. And whether there
    #: are spans of OpenTelemetry around calls to others.
    metrics_token: str = ""
    tracing: bool = False
    #: Of ``phonebind.operations``: what one SMS of each gateway costs, ``{"aliyun": "0.045"}``, and what stands before
    #: an amount; and when SMS pumping is suspected: so many SMS in an hour, and a smaller part of the numbers than this
    #: has used the code. See docs/en/how-to/operations/index.md#alarms.
    sms_prices: Mapping[str, Any] = field(default_factory=dict)
    sms_currency: str = "\u00a5"
    pumping_alarm: Mapping[str, Any] = field(default_factory=lambda: {"sent": 50, "used": 0.3})
    #: Of ``phonebind.operations``: the key of the hash by which events are found by a mobile; "" for ``SECRET_KEY``.
    events_key: str = ""
    #: Of ``phonebind.operations``: services that are told of acts on accounts, by a name of yours each:
    #: ``{"shop": {"url": "https://…", "secret": "whsec_…"}}``. See docs/en/how-to/operations/webhooks.md.
    webhooks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: How many proxies in front of Django append to X-Forwarded-For.
    trusted_proxies: int = 0
    #: "None" where the front end is on another site than the API (needs HTTPS).
    cookie_samesite: str = "Lax"
    #: Seconds to connect to a provider or an SMS gateway, and until its whole answer must be here.
    connect_timeout: float = 1.0
    total_timeout: float = 3.0
    #: How many threads of a process may wait for providers at once, and how many for the SMS gateway; and half as
    #: many again for a human check that asks another site, and for proofs of a mobile without SMS.
    provider_slots: int = 8
    sms_slots: int = 4
    #: How many may hash a password at once.
    hash_slots: int = 2
    #: ``{"sms_mobile_day": (10, 86400)}``: overrides of the table in ``phonebind.limits``.
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@cache
def development() -> bool:
    """DEBUG as it was when Django started. Test runners turn it off later, and a laptop is no production for that."""
    return settings.DEBUG


def function(named: Callable[..., Any] | str) -> Callable[..., Any]:
    """What a setting names: a function, or the dotted path of one. Raises ImportError."""
    return cast("Callable[..., Any]", import_string(named)) if isinstance(named, str) else named


NAMES = tuple(f.name.upper() for f in fields(Settings))


def _load() -> Settings:
    raw = getattr(settings, SETTING, {})
    try:
        return Settings(**{name.lower(): value for name, value in raw.items()})
    except (AttributeError, TypeError) as error:
        raise ImproperlyConfigured(f"{SETTING}: {error}. Known settings: {', '.join(NAMES)}.") from error


class _Conf:
    """The settings as attributes of its own, once the first of them is asked for: each request asks for two dozen, and
    a ``SimpleLazyObject`` looks each of them up anew.
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
