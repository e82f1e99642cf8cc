"""System checks, one function each. Ids never change their meaning.

E001 unknown or mistyped settings      E005 the SMS gateway is unusable
E002 a provider is misconfigured       E006 USERNAME_FIELD cannot hold a mobile
E003 MOBILE_FIELD is unusable          W001 the state is not checked
E004 CACHE is no Redis cache           W002 a provider is reached without TLS
E007 HUMAN_CHECK is unusable           W003 cookies for another site, but not secure
E008 SIMPLE_JWT is unusable            W006 LIMITS reserve no SMS for holders of a binding token
E009 users and bindings lie apart      W009 new accounts may lack a field
E010 a function cannot be imported     E011 new accounts lack a field
E012 FRONT_END needs sessions          W010 HUMAN_CHECK asks for nothing
E014 the account life is not installed E015 NUMBER_STATE is unusable
E013 a source of proofs is unusable    W011 a provider brings no next back
E021 operations is not installed       W013 str() of a new account fails

With ``check --deploy``: E020 CACHE is one node of a cluster (its server is asked, if it answers), W004 cookies reach
Django under their plain names, W005 CORS allows every site, W007 SITE_NAME is left at its default or makes two SMS of
each code, W008 the pages ask for no consent to terms or to a privacy policy, W012 no service knows which numbers have a
new owner.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from inspect import getattr_static
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from phonebind import (
    human,
    limits,
    mobile_proofs,
    oauth,
    origins,
    setting_checks,
    sms,
    sms_texts,
    store,
    token_checks,
    user_checks,
)
from phonebind.conf import SETTING, Settings, conf, development
from phonebind.exceptions import ProviderUnknown, StorageUnavailable
from phonebind.middleware import CookieNamesMiddleware
from phonebind.oauth import NativeProvider, Provider, WebProvider
from phonebind.options import explain
from phonebind.verified import STRENGTHS

Messages = list[CheckMessage]

#: The exceptions of a class that is named in the settings and cannot be made.
UNUSABLE = (ImproperlyConfigured, AttributeError, ImportError, KeyError, TypeError, ValueError)
_WORD = re.compile(r"[\w+ -]{1,32}")
_SOURCE = re.compile(r"[a-z0-9_-]{1,20}")

#: The middleware of Django that reads cookies.
COOKIE_READERS = {
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.locale.LocaleMiddleware",
}


def check_providers(**kwargs: Any) -> Messages:
    if not conf.providers:
        hint = "There is nothing to sign in with: give qq its client_id, client_secret and redirect_uri."
        return [Error(f"{SETTING}['PROVIDERS'] is empty.", hint=hint, id="phonebind.E002")]
    return [
        Error(f"{SETTING}['PROVIDERS'][{name!r}]: {problem}", id="phonebind.E002")
        for name, entry in conf.providers.items()
        for problem in _provider_problems(name, entry)
    ]


def check_cache(**kwargs: Any) -> Messages:
    alias = conf.cache
    if alias not in settings.CACHES:
        return [Error(f"CACHES has no {alias!r}.", id="phonebind.E004")]
    if not store.is_supported(caches[alias]):
        hint = "Codes and limits need Valkey or Redis: use django.core.cache.backends.redis.RedisCache."
        return [Error(f"CACHES[{alias!r}] is no Redis cache.", hint=hint, id="phonebind.E004")]
    return []


def check_cluster(**kwargs: Any) -> Messages:
    """With ``--deploy``, since it connects. A server that is down is no error of the settings."""
    if check_cache():
        return []
    try:
        is_whole = not store.is_out_of_reach()
    except StorageUnavailable:
        return []
    return [] if is_whole else [Error(store.PLAIN_CLIENT, hint=store.CLUSTER_HINT, id="phonebind.E020")]


def check_gateway(**kwargs: Any) -> Messages:
    problems = _problems(sms.get, ("check", "send"), misshapen=lambda _: [])
    return [Error(f"{SETTING}['SMS']: {problem}", id="phonebind.E005") for problem in problems]


def check_mobile_proofs(**kwargs: Any) -> Messages:
    return [
        Error(f"{SETTING}['MOBILE_PROOFS'][{name!r}]: {problem}", id="phonebind.E013")
        for name in conf.mobile_proofs
        for problem in _proof_problems(name)
    ]


def check_account_life(**kwargs: Any) -> Messages:
    names = ("known_mobile", "second_identity", "owner_word", "number_state", "sms_sign_in", "sms_sign_up")
    return _not_installed("phonebind.lifecycle", "phonebind.E014", names)


def check_operations(**kwargs: Any) -> Messages:
    names = ("metrics_token", "tracing", "sms_prices", "sms_currency", "pumping_alarm", "events_key", "webhooks")
    return _not_installed("phonebind.operations", "phonebind.E021", names)


def _not_installed(app: str, check_id: str, names: Sequence[str]) -> Messages:
    """An error for each setting of the app that is set, if the app is not installed."""
    if apps.is_installed(app):
        return []
    defaults = Settings()
    return [
        Error(f"{SETTING}[{name.upper()!r}] is set, and {app!r} is not in INSTALLED_APPS.", id=check_id)
        for name in names
        if getattr(conf, name) != getattr(defaults, name)
    ]


def check_human_check(**kwargs: Any) -> Messages:
    return [Error(f"{SETTING}['HUMAN_CHECK']: {problem}", id="phonebind.E007") for problem in _human_problems()]


def check_free_sms(**kwargs: Any) -> Messages:
    if conf.human_check != human.NOTHING:
        return []
    hint = "A script gets as many SMS as LIMITS let through, and you pay for them: see docs/en/how-to/human-checks.md."
    return [Warning(f"{SETTING}['HUMAN_CHECK'] is 'none'.", hint=hint, id="phonebind.W010")]


def check_reserve(**kwargs: Any) -> Messages:
    hint = "A stranger who knows a mobile can then request all SMS it may get, and keep its owner from the first bind."
    pairs = [(f"sms_mobile_open_{span}", f"sms_mobile_{span}") for span in ("hour", "day")]
    return [
        Warning(f"{SETTING}['LIMITS']: {some} leaves nothing of {whole}.", hint=hint, id="phonebind.W006")
        for some, whole in pairs
        if limits.rule(some).limit >= limits.rule(whole).limit > 0
    ]


def check_legacy_state(**kwargs: Any) -> Messages:
    hint = "An attacker can make a visitor sign in to another account. Send state and cookies, then turn it off."
    if conf.front_end != "contract":
        message = f"{SETTING}['FRONT_END'] is {conf.front_end!r}, whose pages bring no state back."
        if conf.front_end == "session":
            hint = "An attacker can make a visitor who is about to sign in do so to another account."
        return [Warning(message, hint=hint, id="phonebind.W001")]
    return [Warning(f"{SETTING}['LEGACY_STATE'] is on.", hint=hint, id="phonebind.W001")] if conf.legacy_state else []


def check_next(**kwargs: Any) -> Messages:
    """Warn of providers whose state may only have letters and digits."""
    if conf.front_end == "contract" and not conf.legacy_state:
        return []
    hint = "Its state may only have letters and digits: after a sign-in with it, people land on the first page."
    return [
        Warning(f"{SETTING}['PROVIDERS'][{name!r}] does not bring next back.", hint=hint, id="phonebind.W011")
        for name, entry in conf.providers.items()
        if not list(_provider_problems(name, entry)) and not _takes_any_state(oauth.get(name))
    ]


def _takes_any_state(provider: Provider) -> bool:
    return not isinstance(provider, WebProvider) or provider.takes_any_state


def check_sessions(**kwargs: Any) -> Messages:
    if conf.front_end != "session" or any(path.endswith(".SessionMiddleware") for path in settings.MIDDLEWARE):
        return []
    hint = "Add django.contrib.sessions.middleware.SessionMiddleware to MIDDLEWARE."
    return [Error(f"{SETTING}['FRONT_END'] 'session' needs Django's sessions.", hint=hint, id="phonebind.E012")]


def check_cookies(**kwargs: Any) -> Messages:
    if conf.cookie_samesite != "None" or settings.SESSION_COOKIE_SECURE:
        return []
    hint = "Serve HTTPS, and set SESSION_COOKIE_SECURE."
    message = f"Browsers drop COOKIE_SAMESITE='None' cookies that are not secure: {SETTING}['COOKIE_SAMESITE']."
    return [Warning(message, hint=hint, id="phonebind.W003")]


def check_cookie_names(**kwargs: Any) -> Messages:
    ours = f"{CookieNamesMiddleware.__module__}.{CookieNamesMiddleware.__qualname__}"
    before = list(itertools.takewhile(lambda name: name != ours, settings.MIDDLEWARE))
    if len(before) < len(settings.MIDDLEWARE) and not COOKIE_READERS.intersection(before):
        return []
    hint = f"Put {ours!r} first in MIDDLEWARE: a neighbouring host can set sessionid and csrftoken for this one."
    return [Warning("Cookies reach Django under names that browsers do not protect.", hint=hint, id="phonebind.W004")]


def check_origins(**kwargs: Any) -> Messages:
    if not origins.allows_all():
        return []
    hint = "Name the front ends in CORS_ALLOWED_ORIGINS: now any page can use up the limits of its visitors."
    return [Warning("CORS_ALLOW_ALL_ORIGINS is on.", hint=hint, id="phonebind.W005")]


def check_site_name(**kwargs: Any) -> Messages:
    if conf.site_name != Settings().site_name:
        return _long_name()
    hint = "Every SMS and every page shows it, and people distrust a name that they do not know."
    return [Warning(f"{SETTING}['SITE_NAME'] is {conf.site_name!r}, the default.", hint=hint, id="phonebind.W007")]


def _long_name() -> Messages:
    languages = ["zh-hans", "en"]
    long = [language for language in languages if not _is_one_sms(language)]
    if not long:
        return []
    hint = "Shorten it to 13 characters; or silence this where your gateway sends templates and not our text."
    message = f"{SETTING}['SITE_NAME'] makes two SMS of each code, which cost double, in: {', '.join(long)}."
    return [Warning(message, hint=hint, id="phonebind.W007")]


def _is_one_sms(language: str) -> bool:
    with translation.override(language):
        texts = (sms_texts.code_text(purpose, conf.site_name, "0" * 6, 5) for purpose in sms.purposes())
        return all(map(sms_texts.is_one, texts))


def check_consent(**kwargs: Any) -> Messages:
    links = {"TERMS_URL": conf.terms_url, "PRIVACY_URL": conf.privacy_url}
    missing = [name for name, url in links.items() if not url]
    if not missing or not apps.is_installed("phonebind.pages"):
        return []
    hint = "A mobile number is personal data: the bind page asks for consent to the pages that are set here."
    return [Warning(f"{SETTING} has no {' and no '.join(missing)}.", hint=hint, id="phonebind.W008")]


def check_tls(**kwargs: Any) -> Messages:
    return [
        Warning(f"{SETTING}['PROVIDERS'][{name!r}]['base_url'] is not https.", id="phonebind.W002")
        for name, entry in conf.providers.items()
        if not development()
        and not list(_provider_problems(name, entry))
        and urlsplit(entry.get("base_url", "") or "https:").scheme != "https"
    ]


def _readable(check: Callable[..., Messages]) -> Callable[..., Messages]:
    """Skip the check if E001 reports something: the check's own errors may only follow from that."""

    @wraps(check)
    def checked(**kwargs: Any) -> Messages:
        return [] if setting_checks.check_settings() else check(**kwargs)

    return checked


CHECKS = (
    setting_checks.check_settings,
    *map(_readable, user_checks.CHECKS),
    _readable(token_checks.check_tokens),
    _readable(check_providers),
    _readable(check_cache),
    _readable(check_gateway),
    _readable(check_mobile_proofs),
    _readable(check_account_life),
    _readable(check_operations),
    _readable(check_human_check),
    _readable(check_free_sms),
    _readable(check_legacy_state),
    _readable(check_next),
    _readable(check_sessions),
    _readable(check_reserve),
    _readable(check_tls),
    _readable(check_cookies),
)

#: Checks that only ``check --deploy`` runs.
DEPLOY_CHECKS = (
    check_cookie_names,
    check_origins,
    _readable(check_site_name),
    _readable(check_consent),
    _readable(check_cluster),
)


#: Checks that ``manage.py phonebind_sms check`` runs: all that concern SMS.
SMS_CHECKS = (
    setting_checks.check_settings,
    *map(_readable, (check_cache, check_gateway, check_reserve, check_site_name)),
)


def _problems(make: Callable[[], Any], members: Sequence[str], misshapen: Callable[[Any], list[str]]) -> list[str]:
    """Why an object that the settings name cannot be used: it cannot be made, its class lacks members, its own
    ``check()`` reports problems, or ``misshapen`` does.

    Requests do not check this again.
    """
    try:
        made = make()
        if made is None:
            return []
        # Statically: a property may need an option that check() has not validated yet.
        missing = [name for name in members if getattr_static(made, name, None) is None]
        if missing:
            return [f"{type(made).__module__}.{type(made).__qualname__} lacks {', '.join(missing)}"]
        told = made.check()
        if not _is_list(told):
            return [f"{type(made).__name__}.check() must return a list of str"]
        return list(told) or misshapen(made)
    except UNUSABLE as error:
        return [explain(error)]


def _proof_problems(name: Any) -> list[str]:
    # Each binding stores the name, beside the strength.
    if not isinstance(name, str) or not _SOURCE.fullmatch(name):
        return ["the name must be a str of 1 to 20 lower-case letters, digits, - and _."]
    if not isinstance(conf.mobile_proofs[name], Mapping):
        return ["it must be a dict."]
    return _problems(lambda: mobile_proofs.get(name), ("strength", "check", "verify"), _weak)


def _weak(source: mobile_proofs.Source) -> list[str]:
    if source.strength not in STRENGTHS:
        return [f"strength must be one of {', '.join(map(repr, STRENGTHS))}"]
    if source.strength not in {*conf.new_account_proofs, *conf.join_proofs}:
        return [f"{source.strength!r} is in neither NEW_ACCOUNT_PROOFS nor JOIN_PROOFS: it proves nothing"]
    return []


def _human_problems() -> list[str]:
    setting = conf.human_check
    if isinstance(setting, str) and setting not in human.MODES:
        known = f"known are {', '.join(human.MODES)}, or a dict that names a class as its check"
        # A value that is no word may be the options as text, with their secrets. It is not shown.
        return [f"there is no {setting!r}; {known}." if _WORD.fullmatch(setting) else f"it is no word; {known}."]
    members = ("name", "visual", "origins", "check", "issue", "verify")
    return _problems(lambda: human.mode().check, members, _misshapen) or human.missing()


def _misshapen(check: Any) -> list[str]:
    """The attributes whose types front ends or the pages' CSP cannot use."""
    if (type(check.name), type(check.visual)) != (str, bool):
        return [f"{type(check).__name__}: name is a str, and visual True or False"]
    return [] if _is_list(check.origins) else [f"{type(check).__name__}.origins must be a list or tuple of str"]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _provider_problems(name: str, entry: Any) -> Iterator[str]:
    try:
        provider = oauth.get(name)
    except ProviderUnknown:
        yield f"unknown; known are {', '.join(oauth.KINDS)}."
        return
    except TypeError as error:
        yield str(error)
        return
    except UNUSABLE as error:
        yield explain(error)
        return
    yield from list(_type_problems(provider)) or [*_address_problems(provider), *provider.check()]


def _type_problems(provider: Provider) -> Iterator[str]:
    for option in fields(provider.settings):
        value = getattr(provider.settings, option.name)
        if isinstance(option.default, tuple):
            if not _is_list(value):
                yield f"{option.name} must be a list of str."
        elif type(value) is not (bool if isinstance(option.default, bool) else str):
            # A number would start sign-ins, but never equal the provider's answer.
            yield f"{option.name} must be a {'bool' if isinstance(option.default, bool) else 'str'}."
        if not value and option.name in _required(provider):
            yield f"{option.name} is empty."


def _required(provider: Provider) -> set[str]:
    """The options that must not be empty. For apps alone, no browser comes back to a redirect_uri."""
    return set(provider.required) - ({"redirect_uri"} if isinstance(provider, NativeProvider) else set())


def _address_problems(provider: Provider) -> Iterator[str]:
    page = provider.settings.callback_page
    web = provider if isinstance(provider, WebProvider) and provider.settings.redirect_uri else None
    if web and not _is_url(web.settings.redirect_uri):
        yield "redirect_uri must be a whole http(s) URL, as it is registered with the provider."
    if page and (conf.front_end == "contract" or not web or not _is_url(page)):
        yield "callback_page must be a whole http(s) URL without a #, for FRONT_END 'tutorial' or 'session'."
    if web and web.uses_secret and (conf.legacy_state or conf.front_end == "tutorial"):
        yield "it needs a secret in a cookie, so it works neither with LEGACY_STATE nor with FRONT_END 'tutorial'."


def _is_url(value: Any) -> bool:
    """An address that a query can be added to."""
    try:
        parts = urlsplit(str(value))
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "#" not in str(value)
