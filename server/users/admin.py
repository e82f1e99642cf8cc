"""Users in the admin, found by their mobile number."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from server.users.models import User


@admin.register(User)
class MobileUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Django's admin page of users, with the mobile number."""

    list_display = ("username", "mobile", "is_active", "is_staff", "date_joined")
    search_fields = ("username", "mobile")
    fieldsets = (*UserAdmin.fieldsets, (None, {"fields": ("mobile",)}))  # type: ignore[misc]
