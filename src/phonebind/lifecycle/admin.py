"""Admin pages that list sessions, proofs and changes of mobiles, and end sessions. Nothing can be added, edited or
deleted here.
"""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from phonebind import accounts, databases
from phonebind.conf import conf
from phonebind.lifecycle import endings
from phonebind.lifecycle.models import MobileChange, MobileProof, Session


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """The search takes a whole mobile or a whole username. A search by a part of a number would list people."""

    list_select_related = ("user",)
    # This only switches the search box on: get_search_results() finds rows by their users. ``own_mobile`` says whether
    # a class also searches its own mobile field.
    search_fields = ("user__pk",)
    search_help_text = _("A whole mobile number or username")
    exclude: ClassVar[Any] = ("user",)
    show_full_result_count = False
    own_mobile = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # An operator decides by what is shown here, so the rows come from the primary, not from a replica.
        return super().get_queryset(request).using(databases.primary(self.model))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        people: QuerySet[Any] = databases.people()
        mobile: Any = Q(**{conf.mobile_field: term})
        name: Any = Q(**{people.model.USERNAME_FIELD: term})
        found = Q(user__in=list(people.filter(mobile | name).values_list("pk", flat=True)))
        if self.own_mobile:
            found |= Q(mobile=term)
        return queryset.filter(found), False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        shown = [field.name for field in self.model._meta.fields if field.editable and field.name != "user"]
        return ["person", *shown]

    @admin.display(description=_("user"), ordering="user")
    def person(self, row: Any) -> str:
        # Do not use str(user): it fails for a user whose username is empty.
        return accounts.name_of(row.user) or str(row.user_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Session)
class SessionAdmin(_ReadOnly):
    list_display = ("person", "method", "provider", "address", "created_at", "last_seen_at", "ended_at", "end_reason")
    list_filter = ("method", "provider", "end_reason")
    actions = ("end_sessions",)
    own_mobile = False

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Anyone with the permission to change sessions may end them, although no field can be edited."""
        return bool(request.user.has_perm("phonebind_lifecycle.change_session"))

    @admin.action(description=_("End these sessions"), permissions=["end"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        chosen = list(queryset)
        for session in chosen:
            self.log_change(request, session, [{"changed": {"fields": ["ended_at"]}}])
        ended = endings.end(chosen, "revoked")
        self.message_user(request, _("Sessions ended: %d") % ended, messages.SUCCESS)


@admin.register(MobileProof)
class MobileProofAdmin(_ReadOnly):
    list_display = ("person", "mobile", "proved_by", "first_proved_at", "last_proved_at", "released_at", "reason")


@admin.register(MobileChange)
class MobileChangeAdmin(_ReadOnly):
    list_display = ("person", "mobile", "requested_at", "due_at")
