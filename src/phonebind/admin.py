"""Show bindings, and delete one. Only a sign-in makes a binding, so this admin has no add and no change."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from phonebind import accounts
from phonebind.databases import primary
from phonebind.models import SocialAccount


@admin.register(SocialAccount)
class SocialAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("person", "provider", "nickname", "created_at")
    list_filter = ("provider",)
    list_select_related = ("user",)
    exclude = ("user",)
    search_fields = ("openid", "unionid", "nickname")
    readonly_fields = (
        "person",
        "provider",
        "app_id",
        "openid",
        "unionid",
        "nickname",
        "proved_by",
        "created_at",
        "updated_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SocialAccount]:
        # Operators decide by what they see here, so the primary is read.
        return super().get_queryset(request).using(primary(SocialAccount))

    @admin.display(description=_("user"), ordering="user")
    def person(self, account: SocialAccount) -> str:
        # Not str(user): it fails if the username is None.
        return accounts.name_of(account.user) or str(account.user_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        return False
