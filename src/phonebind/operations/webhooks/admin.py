"""Admin pages for webhook messages, with an action to send them again, and for endpoints that fail. If the row of an
endpoint is deleted, it is tried at once.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from phonebind.conf import conf
from phonebind.operations.models import OutboxMessage, WebhookEndpoint
from phonebind.operations.read_only import ReadOnlyAdmin
from phonebind.operations.webhooks import TYPES, outbox

#: Name: (label, filter for the messages in that state).
STATES: dict[str, tuple[Any, Q]] = {
    "waiting": (_("waiting"), Q(due_at__isnull=False)),
    "delivered": (_("delivered"), Q(delivered_at__isnull=False)),
    "given_up": (_("given up"), Q(due_at=None, delivered_at=None)),
}


class _Choice(admin.SimpleListFilter):
    """A filter whose choices come from the settings. To read them from the rows would be slow: there may be
    millions.
    """

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class _ByEndpoint(_Choice):
    title = _("endpoint")
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(name, name) for name in conf.webhooks]


class _ByType(_Choice):
    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(name, name) for name in TYPES]


class _ByState(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [(name, said) for name, (said, _rows) in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
        return queryset.filter(STATES[str(self.value())][1]) if self.value() in STATES else queryset


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "endpoint", "state", "created_at", "attempts", "due_at", "delivered_at", "last_error")
    list_filter = (_ByState, _ByEndpoint, _ByType)
    lookups = ("state", "endpoint", "type")
    list_per_page = 50
    actions = ("send_again",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("phonebind_operations.resend_outboxmessage"))

    @admin.display(description=_("state"))
    def state(self, message: OutboxMessage) -> Any:
        name = "waiting" if message.due_at else "delivered" if message.delivered_at else "given_up"
        return STATES[name][0]

    @admin.action(description=_("Send these messages again"), permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        chosen = list(queryset)
        for message in chosen:
            self.log_change(request, message, [{"changed": {"fields": ["due_at"]}}])
        count = outbox.send_again(chosen)
        self.message_user(request, _("Messages to be sent again: %d") % count, messages.SUCCESS)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    list_display = ("name", "failures", "rests_until", "off_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Deleting the row makes the endpoint be tried at once.
        return bool(request.user.has_perm("phonebind_operations.delete_webhookendpoint"))
