"""Filters of the list of events. Their choices are closed lists. To find the choices by a query would read the whole
table.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from phonebind import limits
from phonebind.operations.events import words
from phonebind.operations.models import SecurityEvent

#: Name in the URL: (hours, label). The first period is the default.
PERIODS = {
    "week": (24 * 7, _("Last 7 days")),
    "hour": (1, _("Last hour")),
    "day": (24, _("Last 24 hours")),
    "month": (24 * 30, _("Last 30 days")),
    "all": (0, _("All that there is")),
}


class Period(admin.SimpleListFilter):
    """Filter by time. The default is one week.

    The default is "all" for a search, or if the URL already has a range of time. Without a default period, a filter by
    a rare outcome would search the events of a whole year.
    """

    title = _("time")
    parameter_name = "period"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        is_narrow = bool(request.GET.get("q")) or any(name.startswith("at__") for name in request.GET)
        self._default = "all" if is_narrow else "week"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, label) for name, (_hours, label) in PERIODS.items()]

    def value(self) -> str:
        asked = super().value()
        return asked if asked in PERIODS else self._default

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for name, (_hours, label) in PERIODS.items():
            query = changelist.get_query_string({self.parameter_name: name})
            yield {"selected": self.value() == name, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: "QuerySet[SecurityEvent]") -> "QuerySet[SecurityEvent]":
        hours, _label = PERIODS[self.value()]
        return queryset.filter(at__gte=timezone.now() - timedelta(hours=hours)) if hours else queryset


class _Words(admin.SimpleListFilter):
    """Filter by one value of a column. The choices are a closed list."""

    #: The filter is collapsed unless a value is chosen, because the lists are long.
    template = "admin/phonebind_operations/words_filter.html"
    known: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.known]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[SecurityEvent]") -> "QuerySet[SecurityEvent]":
        value = self.value()
        if not value:
            return queryset
        # Some databases raise an error for a text that the column cannot contain.
        is_word = value in {word for word, _label in self.lookup_choices}
        return queryset.filter(**{str(self.parameter_name): value}) if is_word else queryset.none()


class Type(_Words):
    title = _("type")
    parameter_name = "type"
    known = words.TYPES


class Outcome(_Words):
    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in outcomes()]


def outcomes() -> list[str]:
    """All outcomes that a row can have. Computed when the page is shown: by then every app has defined its errors."""
    return sorted(words.OUTCOMES - words.NOT | words.error_codes() | {*words.OF_ATTEMPTS})


class Limit(_Words):
    title = _("limit")
    parameter_name = "limit"
    known = (*limits.RULES, "vendor")
