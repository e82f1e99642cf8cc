"""Base class of this app's admin pages. They show rows; they do not add, edit or delete."""

from collections.abc import Collection
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from phonebind.databases import primary


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A read-only admin page. It never counts the whole table."""

    show_full_result_count = False
    #: The lookups that a URL may use: those of the filters. Any other lookup would read the whole table.
    lookups: ClassVar[Collection[str]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Operators decide by these pages, so they read the primary and not a replica.
        return super().get_queryset(request).using(primary(self.model))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in self.lookups

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
