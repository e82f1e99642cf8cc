"""The host's own function sets all fields that an account must have."""

from typing import Any

from django.apps import apps

PHONEBIND = {"ACCOUNT_FACTORY": f"{__name__}.make"}


def make(request: Any, identity: Any, fields: dict[str, Any]) -> Any:
    """The function that docs/en/how-to/user-models.md shows."""
    more = extra(fields["mobile"], request.get_host()) | {"nickname": identity.nickname, "channel": identity.provider}
    return _model("User")(**fields, **more)


def extra(mobile: str, host: str = "testserver") -> dict[str, Any]:
    """The other fields of a user who exists already."""
    tenant, _ = _model("Tenant").objects.get_or_create(host=host)
    return {"email": f"{mobile}@users.example", "tenant": tenant}


def _model(name: str) -> Any:
    return apps.get_model("made_by_factory", name)
