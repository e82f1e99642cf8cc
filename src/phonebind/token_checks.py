"""System checks of ``SIMPLE_JWT``: whether it can make tokens of the user model, and whether its keys form a pair."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from phonebind import jwk

Messages = list[CheckMessage]


def check_tokens(**kwargs: Any) -> Messages:
    model, ours = get_user_model(), getattr(settings, "SIMPLE_JWT", {})
    name, serializer = ours.get("USER_ID_FIELD", "id"), ours.get("TOKEN_OBTAIN_SERIALIZER")
    found: Messages = []
    if not hasattr(model, name):
        message = f"SIMPLE_JWT['USER_ID_FIELD'] is {name!r}, and {model._meta.label} has no such field."
        found.append(Error(message, hint=f"Its primary key is {model._meta.pk.name!r}.", id="phonebind.E008"))
    if serializer:
        try:
            made = import_string(serializer)
            made.get_token  # noqa: B018 - its absence is reported
            if hasattr(made, "token_class"):
                made.token_class.access_token  # noqa: B018 - a sliding token has none
        except (AttributeError, ImportError) as error:
            message = f"SIMPLE_JWT['TOKEN_OBTAIN_SERIALIZER'] makes no token: {error}."
            found.append(Error(message, hint="It needs a class method get_token(user).", id="phonebind.E008"))
    if not all(settings.SECRET_KEY_FALLBACKS):
        # Django itself accepts states, tickets and sessions that are signed with it.
        hint = '"".split(",") gives such a key if a variable is not set.'
        found.append(
            Error("SECRET_KEY_FALLBACKS has an empty key: anyone can sign with it.", hint=hint, id="phonebind.E008")
        )
    return found + [Error(f"SIMPLE_JWT: {told}.", id="phonebind.E008") for told in _key_problems(ours)]


def _key_problems(ours: Mapping[str, Any]) -> Iterator[str]:
    """Problems of a key pair. Secrets are not checked: they are the host's choice."""
    algorithm = ours.get("ALGORITHM", "HS256")
    if jwk.is_secret(algorithm):
        return
    # simplejwt's own default.
    pair = {"SIGNING_KEY": ours.get("SIGNING_KEY", settings.SECRET_KEY), "VERIFYING_KEY": ours.get("VERIFYING_KEY")}
    made = {name: jwk.prepare(algorithm, key) for name, key in pair.items() if key}
    if faults := [f"{name} is {told}" for name, (_, told) in made.items() if told]:
        yield from faults
    elif len({jwk.thumbprint(jwk.public(algorithm, prepared)) for prepared, _ in made.values()}) > 1:
        yield "VERIFYING_KEY is not the public key of SIGNING_KEY"
