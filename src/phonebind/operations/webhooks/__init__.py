"""Webhooks: the types of messages, and the endpoints in the ``WEBHOOKS`` setting."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from phonebind.conf import conf
from phonebind.options import make

#: All types, each with the fields of its ``data``. The names come from RISC and CAEP if these define one. A new type
#: must be added to docs/en/how-to/operations/webhooks.md. Never add a mobile number, an openid or a token.
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
    """One entry of ``WEBHOOKS``.

    ``secret``: ``whsec_`` and at least 24 random bytes in base64, shared with the endpoint. ``types``: the types that
    are sent to it; an empty list means all types.
    """

    url: str
    secret: str = field(repr=False)
    types: Collection[str] = ()
    #: Former secrets. Until the endpoint has changed to the new secret, each message is signed with these too.
    fallback_secrets: Collection[str] = field(default=(), repr=False)


def endpoint(name: str) -> Endpoint:
    """The endpoint with this name. Raises WrongOptions, and KeyError if the settings have no such name."""
    return make(Endpoint, conf.webhooks[name])


def wanting(*types: str) -> list[str]:
    """The names of the endpoints that want at least one of these types."""
    # Every act calls this, so the entries are read without validation.
    return [name for name, entry in conf.webhooks.items() if not {*types}.isdisjoint(entry.get("types") or TYPES)]


def data(type_: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a message of this type, and no other facts. Keys are text: some are numbers, others UUIDs."""
    return {name: str(facts[name]) for name in TYPES[type_]}
