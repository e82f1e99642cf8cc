"""The admin pages with the charts, for operators who may see events."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from phonebind.operations.models import Charts, SecurityEvent
from phonebind.operations.read_only import ReadOnlyAdmin
from phonebind.operations.reports import charts, days, findings, hours, networks
from phonebind.operations.reports.charts import Chart
from phonebind.operations.reports.showing import Shown, Span

Page = Callable[["ChartsAdmin", HttpRequest], HttpResponse]


def _page(template: str) -> Callable[[Callable[["ChartsAdmin", Span], dict[str, Any]]], Page]:
    """Make a view that renders what the method returns, for operators who may see events."""

    def decorate(method: Callable[["ChartsAdmin", Span], dict[str, Any]]) -> Page:
        @wraps(method)
        def view(self: "ChartsAdmin", request: HttpRequest) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            span = Span.asked(request.GET)
            shared = {**self.admin_site.each_context(request), "opts": self.opts, "span": span}
            return render(request, f"phonebind/operations/{template}", {**shared, **method(self, span)})

        return view

    return decorate


class ChartsAdmin(ReadOnlyAdmin):
    """An admin class without rows. It gives the charts a place in the admin's index and in its sidebar."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.charts)
        return [
            path("", page, name="phonebind_operations_charts"),
            # The admin's index links to this name.
            path("", page, name="phonebind_operations_charts_changelist"),
            path("networks/", self.admin_site.admin_view(self.networks), name="phonebind_operations_networks"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Charts | None = None) -> bool:
        return bool(request.user.has_perm("phonebind_operations.view_securityevent"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @_page("charts.html")
    def charts(self, span: Span) -> dict[str, Any]:
        day, before = days.read(span.end)
        return {
            "title": _("Charts"),
            "shown": [self._show(chart, day.hours) for chart in charts.all_of(day, before)],
            "findings": findings.all_of(day, before),
            "networks": self._networks(span),
        }

    @_page("networks.html")
    def networks(self, span: Span) -> dict[str, Any]:
        found = networks.by_network(span.begin, span.end)
        day = days.HOURS * hours.HOUR
        then = networks.sent_of([each.start for each in found], span.begin - day, span.end - day)
        rows = [
            (each, then.get(each.start, 0), self._events(span, {"address__startswith": each.start})) for each in found
        ]
        return {
            "title": _("Who asked for SMS"),
            "networks": rows,
            "numbers": networks.by_number(span.begin, span.end),
            "charts": self._url("phonebind_operations_charts"),
        }

    def _show(self, chart: Chart, each: list[datetime]) -> Shown:
        spans = [Span(hour, hour + hours.HOUR) for hour in each]
        events = [self._events(span, chart.filters) for span in spans]
        urls = [self._networks(span) for span in spans] if chart.networks else events
        return Shown.of(chart, each, urls, events)

    def _networks(self, span: Span) -> str:
        return f"{self._url('phonebind_operations_networks')}?{span.query}"

    def _events(self, span: Span, filters: dict[str, str]) -> str:
        """The URL of the list with these events. "" if the host has unregistered the list."""
        if not self.admin_site.is_registered(SecurityEvent):
            return ""
        at = {"at__gte": hours.stored(span.begin).isoformat(), "at__lt": hours.stored(span.end).isoformat()}
        return f"{self._url('phonebind_operations_securityevent_changelist')}?{urlencode({**at, **filters})}"

    def _url(self, name: str) -> str:
        return reverse(f"admin:{name}", current_app=self.admin_site.name)
