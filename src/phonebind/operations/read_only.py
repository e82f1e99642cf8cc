"""What the pages of this app in the admin have in common: they show, and nothing is added, edited or deleted."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from phonebind.databases import primary


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Never counts the whole table."""

    show_full_result_count = False
    #: The lookups that an address may name: those of the filters. Any other would read the whole table.
    lookups: ClassVar[Collection[str]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Somebody decides by what is shown here.
        return super().get_queryset(request).using(primary(self.model))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in self.lookups

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
