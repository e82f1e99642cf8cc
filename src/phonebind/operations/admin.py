"""The admin pages for events and for one person. No page here adds, edits or deletes an event."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from phonebind.operations.events import filters, listing
from phonebind.operations.helpdesk import person_views
from phonebind.operations.models import Charts, SecurityEvent
from phonebind.operations.read_only import ReadOnlyAdmin
from phonebind.operations.reports.charts_admin import ChartsAdmin
from phonebind.operations.webhooks.admin import OutboxMessageAdmin, WebhookEndpointAdmin

__all__ = ["OutboxMessageAdmin", "SecurityEventAdmin", "WebhookEndpointAdmin"]

admin.site.register(Charts, ChartsAdmin)

#: Maximum length of the "details" column in the list, in characters.
_DETAILS = 60


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    """Every search uses an index. No query counts the whole table."""

    list_display = ("at", "what", "count", "details", "mobile", "address", "person")
    list_filter = (filters.Period, filters.Type, filters.Outcome, filters.Limit)
    ordering = ("-at", "-pk")
    search_fields = ("pk",)
    search_help_text = _("A whole mobile number, username, user id, address or request id")
    show_facets = admin.ShowFacets.NEVER
    paginator = listing.BoundedPaginator
    list_per_page = 50
    list_max_show_all = 0
    # The lookups of the filters and of the links from the charts.
    lookups = (
        *("period", "type", "outcome", "limit"),
        *("at__gte", "at__lt", "type__in", "outcome__in", "limit__gt", "address__startswith"),
    )
    actions = None
    exclude: ClassVar[Any] = ("data",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[listing.BoundedList]:
        return listing.BoundedList

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if term and not listing.may_search(request.user, term):
            messages.error(request, person_views.TOO_MANY)
            return queryset.none(), False
        return (queryset.filter(listing.search(term)) if term else queryset), False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        shown = [field.name for field in self.model._meta.fields if field.editable and field.name != "data"]
        return [*shown, "said"]

    @admin.display(description=_("person"))
    def person(self, event: SecurityEvent) -> str:
        if not event.user_id:
            return "-"
        return format_html('<a href="{}">{}</a>', person_views.page_url(event.user_id), event.user_id)

    @admin.display(description=_("what"))
    def what(self, event: SecurityEvent) -> str:
        return f"{event.type}: {event.outcome}"

    @admin.display(description=_("details"))
    def details(self, event: SecurityEvent) -> str:
        told = (event.provider, event.gateway, event.purpose, event.limit, event.cause, event.data.get("reason"))
        return truncatechars(" ".join(str(each) for each in told if each) or "-", _DETAILS)

    @admin.display(description=_("more"))
    def said(self, event: SecurityEvent) -> str:
        return "; ".join(f"{name}: {value}" for name, value in event.data.items()) or "-"

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("people/", self._view(person_views.find), name=person_views.FIND),
            path("people/<str:pk>/", self._view(person_views.show), name=person_views.PAGE),
            path("people/<str:pk>/<slug:act>/", self._view(person_views.act), name=person_views.ACT),
        ]
        return [*own, *super().get_urls()]

    def _view(self, view: Any) -> Any:
        def with_site(request: HttpRequest, **kwargs: Any) -> Any:
            return view(request, self, **kwargs)

        return self.admin_site.admin_view(with_site)
