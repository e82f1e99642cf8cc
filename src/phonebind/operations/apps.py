from importlib import import_module

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class OperationsConfig(AppConfig):
    name = "phonebind.operations"
    label = "phonebind_operations"
    verbose_name = _("Operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("phonebind.operations.acts").install()
        for check in import_module("phonebind.operations.webhook_checks").CHECKS:
            checks.register(check, "phonebind")
