"""Who is told, and of what: the types of messages, and the endpoints of the ``WEBHOOKS`` setting."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from phonebind.conf import conf
from phonebind.options import make

#: All types, in the words of RISC and CAEP where those have one, each with the fields of its ``data``. Whoever has a
#: row here says so in docs/en/how-to/operations/webhooks.md. No mobile, no openid, no token.
TYPES: Mapping[str, tuple[str, ...]] = {
    "account-created": ("user_id",),
    "account-enabled": ("user_id",),
    "account-disabled": ("user_id",),
    "account-purged": ("user_id",),
    "account-bound": ("user_id", "provider", "identity", "reason"),
    "identity-unbound": ("user_id", "provider", "identity"),
    "identifier-changed": ("user_id", "identifier"),
    "identifier-recycled": ("user_id", "reason"),
    "credential-change": ("user_id", "credential_type", "change_type"),
    "session-revoked": ("user_id", "session", "reason"),
    "sessions-revoked": ("user_id", "reason"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One entry of ``WEBHOOKS``. ``secret``: ``whsec_`` and at least 24 random bytes in base64, shared with it;
    ``types``: of what it is told, of everything where there are none.
    """

    url: str
    secret: str = field(repr=False)
    types: Collection[str] = ()
    #: Former secrets: while the endpoint changes to the new one, each message is signed by these too.
    fallback_secrets: Collection[str] = field(default=(), repr=False)


def endpoint(name: str) -> Endpoint:
    """Raises WrongOptions, and KeyError where the settings name none."""
    return make(Endpoint, conf.webhooks[name])


def wanting(*types: str) -> list[str]:
    """The endpoints, by name, that are told of one of these types."""
    # Each act asks: the entries are read as they are.
    return [name for name, entry in conf.webhooks.items() if not {*types}.isdisjoint(entry.get("types") or TYPES)]


def data(type_: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """What a message of this type says, and nothing else of the facts. Keys are text: a number here, a UUID there."""
    return {name: str(facts[name]) for name in TYPES[type_]}
