"""System checks of ``WEBHOOKS``. An id never changes its meaning.

E022 an endpoint is misconfigured            W021 an endpoint is not https
E023 users and outbox in different databases E024 a message would contain the mobile number
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004

from phonebind import standard_webhooks
from phonebind.conf import SETTING, conf, development
from phonebind.databases import primary
from phonebind.models import SocialAccount
from phonebind.operations import webhooks
from phonebind.operations.models import OutboxMessage
from phonebind.options import UNUSABLE, explain
from phonebind.setting_checks import check_settings

Messages = list[CheckMessage]

#: The length of the database column.
_NAME_LENGTH = 64


def check_webhooks(**kwargs: Any) -> Messages:
    return [
        Error(f"{SETTING}['WEBHOOKS'][{name!r}]: {problem}", id="phonebind.E022")
        for name in _entries()
        for problem in _problems(name)
    ]


def check_tls(**kwargs: Any) -> Messages:
    if development():
        return []
    return [
        Warning(f"{SETTING}['WEBHOOKS'][{name!r}]['url'] is not https.", id="phonebind.W021")
        for name in _entries()
        if not list(_problems(name)) and urlsplit(webhooks.endpoint(name).url).scheme != "https"
    ]


def check_database(**kwargs: Any) -> Messages:
    apart = {primary(model) for model in (get_user_model(), SocialAccount, OutboxMessage)}
    if not _entries() or len(apart) == 1:
        return []
    hint = "A message is written in the transaction of the change. Route all of them to one database."
    return [
        Error(
            f"Users, bindings and the outbox are in different databases: {', '.join(sorted(apart))}.",
            hint=hint,
            id="phonebind.E023",
        )
    ]


def check_key(**kwargs: Any) -> Messages:
    if not _entries() or get_user_model()._meta.pk.name != conf.mobile_field:
        return []
    model = get_user_model().__name__
    told = f"{SETTING}['WEBHOOKS']: the primary key of {model} is the mobile number. Each message would contain it."
    return [Error(told, id="phonebind.E024")]


def _entries() -> Mapping[str, Any]:
    """The entries. Empty if phonebind.E001 reports the setting."""
    return {} if check_settings() else conf.webhooks


def _problems(name: Any) -> Iterator[str]:
    """The problems of one entry. A text never contains a secret."""
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_LENGTH:
        yield f"the name must be a str of 1 to {_NAME_LENGTH} characters."
        return
    if not isinstance(conf.webhooks[name], Mapping):
        yield "it must be a dict."
        return
    try:
        endpoint = webhooks.endpoint(name)
    except UNUSABLE as error:
        yield explain(error)
        return
    if not _is_url(endpoint.url):
        yield "url must be a whole http(s) URL, without a user and a password."
    yield from _type_problems(endpoint.types)
    secrets = endpoint.fallback_secrets
    if not isinstance(secrets, (list, tuple)):
        yield "fallback_secrets must be a list."
        return
    if not all(isinstance(each, str) and standard_webhooks.is_secret(each) for each in (endpoint.secret, *secrets)):
        yield f"secret and fallback_secrets must be {standard_webhooks.SECRET}."


def _type_problems(types: Any) -> Iterator[str]:
    if not isinstance(types, (list, tuple, set, frozenset)):
        yield "types must be a list."
        return
    for type_ in types:
        if type_ not in webhooks.TYPES:
            yield f"there is no type {type_!r}; known are {', '.join(webhooks.TYPES)}."


def _is_url(value: Any) -> bool:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


CHECKS: Sequence[Callable[..., Messages]] = (check_webhooks, check_tls, check_database, check_key)
