"""Everything that an account must have is set by the host's own function."""

from typing import Any

from django.apps import apps

PHONEBIND = {"ACCOUNT_FACTORY": f"{__name__}.make"}


def make(request: Any, identity: Any, fields: dict[str, Any]) -> Any:
    """What docs/user-models.md shows."""
    more = extra(fields["mobile"], request.get_host()) | {"nickname": identity.nickname, "channel": identity.provider}
    return apps.get_model("made_by_factory.User")(**fields, **more)


def extra(mobile: str, host: str = "testserver") -> dict[str, Any]:
    """What a user who is there already has besides."""
    tenant, _ = apps.get_model("made_by_factory.Tenant").objects.get_or_create(host=host)
    return {"email": f"{mobile}@users.example", "tenant": tenant}
