"""Reads the existing bindings. Without them, a user could be bound twice, and ``--reverse`` could not find its rows."""

from collections.abc import Iterator

from phonebind import databases
from phonebind.importing.base import PAGE, as_text
from phonebind.importing.scratch import Scratch
from phonebind.models import SocialAccount


def load(provider: str, app_id: str, scratch: Scratch) -> Iterator[int]:
    """Copy the bindings of this app. Yields the number of rows after each page."""
    accounts = SocialAccount._base_manager.using(databases.primary(SocialAccount))
    rows = accounts.filter(provider=provider, app_id=app_id).order_by("openid")
    values = rows.values_list("pk", "openid", "user_id", "created_at")
    page = list(values[:PAGE])
    while page:
        scratch.add("bound", ((pk, openid, str(user), as_text(made)) for pk, openid, user, made in page))
        yield len(page)
        page = list(values.filter(openid__gt=page[-1][1])[:PAGE]) if len(page) == PAGE else []
