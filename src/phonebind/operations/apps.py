from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "phonebind.operations"
    label = "phonebind_operations"
    verbose_name = _("Operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Only now: they import models.
        for name in ("recording", "pumping"):
            import_module(f"phonebind.operations.{name}").install()
        if apps.is_installed("phonebind.lifecycle"):
            account: Any = import_module("phonebind.operations.account")
            account.known = import_module("phonebind.operations.account_life").WithLifecycle()
