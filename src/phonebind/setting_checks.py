"""System check of the names and types in the ``PHONEBIND`` setting itself."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error

from phonebind import jwk, limits
from phonebind.conf import FRONT_ENDS, NAMES, SETTING
from phonebind.sms import receipts
from phonebind.verified import STRENGTHS

#: The type of each setting. Where a tuple is expected, a list is fine too.
TYPES: Mapping[str, Any] = {
    "PROVIDERS": Mapping,
    "SMS": Mapping,
    "SMS_RECEIPTS": str,
    "MOBILE_PROOFS": Mapping,
    "NEW_ACCOUNT_PROOFS": (list, tuple, set, frozenset),
    "JOIN_PROOFS": (list, tuple, set, frozenset),
    "HUMAN_CHECK": (str, Mapping),
    "SITE_NAME": str,
    "TERMS_URL": str,
    "PRIVACY_URL": str,
    "PASSWORD_RESET_URL": str,
    "LOGO_URL": str,
    "STYLE_URL": str,
    "HELP_URL": str,
    "RETURN_URL": str,
    "MOBILE_FIELD": str,
    "MOBILE_FORMAT": (str, list, tuple),
    "ACCOUNT_FACTORY": object,
    "BIND_WITHOUT_PASSWORD": bool,
    "CACHE": str,
    "ALLOWED_NEXT_HOSTS": (list, tuple, set, frozenset),
    "ALLOWED_ORIGINS": (list, tuple, set, frozenset),
    "FRONT_END": str,
    "LEGACY_STATE": bool,
    "SIGN_IN_MAX_AGE": int,
    "TOKEN_KEYS": (list, tuple),
    "REFRESH_GRACE": int,
    "STEP_UP_MAX_AGE": int,
    "MOBILE_CHANGE_DELAY": int,
    "MOBILE_CHANGE_NOTICE": bool,
    "SMS_SIGN_IN": bool,
    "SMS_SIGN_UP": bool,
    "KNOWN_MOBILE": str,
    "SECOND_IDENTITY": str,
    "OWNER_WORD": str,
    "NUMBER_STATE": Mapping,
    "LEGACY_COUNTS": str,
    "LEGACY_USER_FIELDS": (list, tuple),
    "METRICS_TOKEN": str,
    "TRACING": bool,
    "EVENTS_KEY": str,
    "SMS_PRICES": Mapping,
    "SMS_CURRENCY": str,
    "PUMPING_ALARM": Mapping,
    "WEBHOOKS": Mapping,
    "TRUSTED_PROXIES": int,
    "COOKIE_SAMESITE": str,
    "CONNECT_TIMEOUT": (int, float),
    "TOTAL_TIMEOUT": (int, float),
    "PROVIDER_SLOTS": int,
    "SMS_SLOTS": int,
    "HASH_SLOTS": int,
    "LIMITS": Mapping,
}
AT_LEAST = {
    "SIGN_IN_MAX_AGE": 1,
    "REFRESH_GRACE": 0,
    "STEP_UP_MAX_AGE": 1,
    "MOBILE_CHANGE_DELAY": 0,
    "TRUSTED_PROXIES": 0,
    "PROVIDER_SLOTS": 1,
    "SMS_SLOTS": 1,
    "HASH_SLOTS": 1,
}
YEAR = 366 * 86_400
#: The shortest key that cannot be guessed.
KEY_LENGTH = 32
#: Plain digits. A Decimal would also accept "1e9", "NaN" and negative numbers.
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_SECRET = re.compile(r"[A-Za-z0-9_-]{32,128}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")


def check_settings(**kwargs: Any) -> list[CheckMessage]:
    raw = getattr(settings, SETTING, {})
    if not isinstance(raw, Mapping):
        return [Error(f"{SETTING} must be a dict.", id="phonebind.E001")]
    return [Error(f"{SETTING}: {problem}", id="phonebind.E001") for problem in _setting_problems(raw)]


def _setting_problems(raw: Mapping[str, Any]) -> Iterator[str]:
    for name, value in raw.items():
        if name not in NAMES:
            yield f"there is no {name!r}; known are {', '.join(NAMES)}."
        elif not isinstance(value, TYPES[name]):
            yield f"{name} cannot be of type {type(value).__name__}."
        elif name in _PROBLEMS:
            yield from _PROBLEMS[name](value)
        elif name in ("CONNECT_TIMEOUT", "TOTAL_TIMEOUT") and not 0 < value < float("inf"):
            yield f"{name} must be a number of seconds above 0."
        elif name in AT_LEAST and value < AT_LEAST[name]:
            yield f"{name} must be {AT_LEAST[name]} or more."
        elif name == "COOKIE_SAMESITE" and value not in ("Lax", "None"):
            yield "COOKIE_SAMESITE must be 'Lax' or 'None': with 'Strict' it does not come back from the provider."


def _origin_problems(origins: Collection[Any]) -> Iterator[str]:
    for origin in origins:
        if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
            yield f"ALLOWED_ORIGINS: {origin!r} is no origin such as 'https://front.example'."


def _front_end_problems(value: str) -> Iterator[str]:
    if value not in FRONT_ENDS:
        yield f"FRONT_END must be one of {', '.join(map(repr, FRONT_ENDS))}."


def _mobile_format_problems(form: Any) -> Iterator[str]:
    try:
        fits = form.format("1" * 11).count("1" * 11) == 1 if isinstance(form, str) else len(form) == 2
    except (LookupError, ValueError):
        fits = False
    if not fits:
        yield "MOBILE_FORMAT must be like '+86{}', or two functions: to what is stored, and back."


def _receipt_problems(value: str) -> Iterator[str]:
    # The value is not shown: a secret that is one character too short is still a secret.
    if value not in ("", receipts.PULL) and not _SECRET.fullmatch(value):
        yield f"SMS_RECEIPTS must be '', '{receipts.PULL}', or a secret of 32 to 128 characters out of [A-Za-z0-9_-]."


def _price_problems(prices: Mapping[Any, Any]) -> Iterator[str]:
    for gateway, price in prices.items():
        if not isinstance(price, (str, int, Decimal)) or not _PRICE.fullmatch(str(price)):
            yield f"SMS_PRICES: {price!r} is no price of one SMS of {gateway!r}, such as '0.045'."


def _pumping_problems(alarm: Mapping[Any, Any]) -> Iterator[str]:
    sent, used = alarm.get("sent"), alarm.get("used")
    is_count = isinstance(sent, int) and sent >= 1
    if set(alarm) != {"sent", "used"} or not is_count or not isinstance(used, (int, float)) or not 0 <= used <= 1:
        yield "PUMPING_ALARM must be like {'sent': 50, 'used': 0.3}: SMS in an hour, and a part between 0 and 1."


def _events_key_problems(value: str) -> Iterator[str]:
    if value and len(value) < KEY_LENGTH:
        yield f"EVENTS_KEY must be '', or {KEY_LENGTH} characters or more that nobody can guess."


def _strength_problems(name: str, strengths: Collection[Any]) -> Iterator[str]:
    if "sms" not in strengths or not all(each in STRENGTHS for each in strengths):
        yield f"{name} must be some of {', '.join(map(repr, STRENGTHS))}, and 'sms' among them."


def _limit_problems(overrides: Mapping[str, Any]) -> Iterator[str]:
    for name, value in overrides.items():
        if name not in limits.RULES:
            yield f"LIMITS has no {name!r}; known are {', '.join(limits.RULES)}."
            continue
        match value:
            case (int() as limit, int() as seconds) if limit >= 0 and 0 < seconds <= YEAR:
                pass
            case _:
                yield f"LIMITS[{name!r}] must be (how often, in how many seconds), within a year."


def _word_problems(name: str, words: Collection[str], value: str) -> Iterator[str]:
    if value not in words:
        yield f"{name} must be one of {', '.join(map(repr, words))}."


def _user_field_problems(names: Collection[Any]) -> Iterator[str]:
    model = get_user_model()
    for name in names:
        if name == "password" or not isinstance(name, str) or not hasattr(model, name):
            yield f"LEGACY_USER_FIELDS: {name!r} is no field of {model.__name__} that may be shown."


def _token_key_problems(keys: Collection[Any]) -> Iterator[str]:
    for number, key in enumerate(keys):
        match key:
            case (str() as algorithm, str() as value):
                prepared, told = jwk.prepare(algorithm, value)
                if jwk.is_private(prepared):
                    told = "a private key, and its public one is enough"
            case _:
                told = "no pair of an algorithm and a key"
        if told:
            yield f"TOKEN_KEYS[{number}] is {told}."


#: Further checks of a setting's value, besides its type.
_PROBLEMS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "ALLOWED_ORIGINS": _origin_problems,
    "EVENTS_KEY": _events_key_problems,
    "FRONT_END": _front_end_problems,
    "LIMITS": _limit_problems,
    "SMS_PRICES": _price_problems,
    "PUMPING_ALARM": _pumping_problems,
    "MOBILE_FORMAT": _mobile_format_problems,
    "KNOWN_MOBILE": partial(_word_problems, "KNOWN_MOBILE", ("password", "sms", "either")),
    "SECOND_IDENTITY": partial(_word_problems, "SECOND_IDENTITY", ("both", "ask", "refuse")),
    "OWNER_WORD": partial(_word_problems, "OWNER_WORD", ("accept", "hold", "refuse")),
    "LEGACY_COUNTS": partial(_word_problems, "LEGACY_COUNTS", ("limited", "zero")),
    "LEGACY_USER_FIELDS": _user_field_problems,
    "NEW_ACCOUNT_PROOFS": partial(_strength_problems, "NEW_ACCOUNT_PROOFS"),
    "JOIN_PROOFS": partial(_strength_problems, "JOIN_PROOFS"),
    "SMS_RECEIPTS": _receipt_problems,
    "TOKEN_KEYS": _token_key_problems,
}
