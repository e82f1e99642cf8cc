"""The ``PHONEBIND`` setting, typed and lazy: ``from phonebind.conf import conf``.

It is read on first use, and again when a test overrides it. ``phonebind.checks`` says what is wrong with it.
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

    The name of an entry is its kind (``phonebind.oauth.KINDS``). With another name, ``provider`` says the kind, or the
    dotted path of a class. So a site can have several apps of one kind, and its own providers.
    """

    client_id: str
    #: The secret of the app, whatever the provider calls it.
    client_secret: str = field(default="", repr=False)
    #: Where the provider sends browsers back to. Apps and mini programs have none.
    redirect_uri: str = ""
    #: The address of the provider. Empty is the real one; while developing, the sandbox's.
    base_url: str = ""
    #: What the provider is asked for. Empty asks for as little as a sign-in needs.
    scope: str = ""
    #: With ``FRONT_END``: the callback page of the front end, if the provider sends people to the API first.
    callback_page: str = ""
    #: The app has the permission to read the id that one person has in all apps of this developer.
    unionid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """Every setting with its default. ``SITE_NAME`` in ``PHONEBIND`` is ``conf.site_name`` here.

    It has no ``repr``: tools that report errors show the variables of a frame, and half of these hold secrets.
    """

    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: ``{"gateway": name or dotted path, …}``. All other keys go to the gateway as keyword arguments.
    sms: Mapping[str, Any] = field(default_factory=lambda: {"gateway": "phonebind.sms.console.Console"})
    #: How receipts of SMS come. "": not at all. "pull": the vendor is asked. Otherwise a secret, the end of the path to
    #: which vendors send them. See docs/en/how-to/sms/receipts.md.
    sms_receipts: str = ""
    #: The sources that prove a mobile without an SMS, by the name that clients send:
    #: ``{"aliyun": {"access_key_id": …}, …}``. See docs/en/how-to/one-tap.md.
    mobile_proofs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Which strengths of ``phonebind.verified`` are enough to create an account, and which to bind an existing one.
    new_account_proofs: tuple[str, ...] = ("sms", "carrier", "realtime", "quick")
    join_proofs: tuple[str, ...] = ("sms", "carrier", "realtime")
    #: What shows that a person requests an SMS: a word of ``phonebind.human.MODES``, or ``{"check": "path.Class", …}``.
    #: "none" needs limits that the host has set: ``phonebind.human.BOUNDS``.
    human_check: str | Mapping[str, Any] = "image"
    #: The name in the SMS and on the pages.
    site_name: str = "phonebind"
    #: The terms of use and the privacy policy. The bind page asks for consent to those that are set.
    terms_url: str = ""
    privacy_url: str = ""
    #: Where people get a new password. The bind page shows it beside a wrong one.
    password_reset_url: str = ""
    #: The look of the pages: a logo in place of name and mark, and a style sheet after ours. Each is a URL, or the name
    #: of a static file. Below the pages: links to help, and back to the shop. See docs/en/how-to/style-pages.md.
    logo_url: str = ""
    style_url: str = ""
    help_url: str = ""
    return_url: str = ""
    #: The unique field of the user model that holds the mobile number.
    mobile_field: str = "mobile"
    #: How that field writes a number: "{}" for the 11 digits, or "+86{}". Or two functions (or their dotted paths),
    #: from the 11 digits to the stored value, and back.
    mobile_format: str | tuple[Callable[[str], Any] | str, Callable[[Any], str] | str] = "{}"
    #: Creates new accounts: ``(request, identity, fields) -> user``, or its dotted path. See
    #: docs/en/how-to/user-models.md.
    account_factory: Callable[..., Any] | str = ""
    #: An account without a password is bound by the SMS code alone. False refuses that.
    bind_without_password: bool = True
    #: The alias in ``CACHES`` of a Redis or Valkey: Django's RedisCache, or django-redis's.
    cache: str = "default"
    #: Hosts to which ``next`` may lead, besides the request's own.
    allowed_next_hosts: tuple[str, ...] = ()
    #: Origins of front ends on other sites (``https://front.example``), besides those in django-cors-headers' settings.
    allowed_origins: tuple[str, ...] = ()
    #: The dialect of the front end: a word of ``FRONT_ENDS``. See docs/en/how-to/front-ends.md.
    front_end: str = "contract"
    #: Serve front ends that send no ``state`` and no cookies. docs/en/how-to/front-ends.md says what this gives up.
    legacy_state: bool = False
    #: Seconds from a sign-in until its last refresh token expires.
    sign_in_max_age: int = 90 * 86_400
    #: Keys that verify tokens besides those of ``SIMPLE_JWT``: former ones, and one that will sign soon. Pairs of what
    #: simplejwt calls ALGORITHM and VERIFYING_KEY (SIGNING_KEY for a secret). See docs/en/how-to/keys.md.
    token_keys: tuple[tuple[str, str], ...] = ()
    #: Of ``phonebind.lifecycle``, in seconds: how long a refresh token that is sent again gets the same new tokens; how
    #: long a step-up is valid; and how long a change of number waits if the person has lost the old one.
    refresh_grace: int = 20
    step_up_max_age: int = 600
    mobile_change_delay: int = 259_200
    #: Of ``phonebind.lifecycle``: an SMS tells the old number about a change that waits. It costs as much as a code.
    mobile_change_notice: bool = True
    #: Of ``phonebind.lifecycle``: people may sign in, and register, by SMS alone.
    sms_sign_in: bool = False
    sms_sign_up: bool = False
    #: Of ``phonebind.lifecycle``. What binds an account that exists: "password", "sms" or "either". What happens if it
    #: already has another identity of the same provider: "both", "ask" or "refuse". Whether the word of a person is
    #: enough for a number whose account has no second way to sign in: "accept", "hold" or "refuse". And the vendor that
    #: knows which numbers have a new owner: ``{"gateway": "aliyun", …}``.
    known_mobile: str = "password"
    second_identity: str = "both"
    owner_word: str = "accept"
    number_state: Mapping[str, Any] = field(default_factory=dict)
    #: Of ``phonebind.lifecycle``, for FRONT_END "tutorial". The counts say who has an account ("limited"), or always 0
    #: ("zero"). And fields of the user model that ``/user/`` shows besides id, username and mobile.
    legacy_counts: str = "limited"
    legacy_user_fields: tuple[str, ...] = ()
    #: Of ``phonebind.operations``: the secret that Prometheus sends to read ``/metrics/``; "" counts nothing. And
    #: whether calls to other servers have OpenTelemetry spans.
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
    #: "None" if the front end is on another site than the API. It needs HTTPS.
    cookie_samesite: str = "Lax"
    #: Seconds to connect to a provider or an SMS gateway, and seconds until its whole answer must be here.
    connect_timeout: float = 1.0
    total_timeout: float = 3.0
    #: How many threads of a process may wait at once for providers, and for the SMS gateway. Half as many as the latter
    #: may wait for each of these: a human check that asks another site, mobile proofs, and ``NUMBER_STATE``.
    provider_slots: int = 8
    sms_slots: int = 4
    #: How many threads of a process may hash a password at once.
    hash_slots: int = 2
    #: Overrides of the table in ``phonebind.limits``: ``{"sms_mobile_day": (10, 86400)}``.
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@cache
def development() -> bool:
    """DEBUG as it was when Django started. Test runners turn it off later; that does not make a laptop production."""
    return settings.DEBUG


def function(named: Callable[..., Any] | str) -> Callable[..., Any]:
    """The function of a setting, which may be its dotted path. Raises ImportError."""
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
    ``SimpleLazyObject`` would look up each one again.
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
