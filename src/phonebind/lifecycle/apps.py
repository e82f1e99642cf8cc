from importlib import import_module

from django.apps import AppConfig, apps
from django.core import checks
from django.utils.translation import gettext_lazy as _

from phonebind import life


class LifecycleConfig(AppConfig):
    name = "phonebind.lifecycle"
    label = "phonebind_lifecycle"
    verbose_name = _("Account life")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        life.installed = import_module("phonebind.lifecycle.keeper").Keeper()
        for name in ("devices", "endings", "numbers"):
            import_module(f"phonebind.lifecycle.{name}").install()
        own = import_module("phonebind.lifecycle.checks")
        for check in own.CHECKS:
            checks.register(check, "phonebind")
        for check in own.DEPLOY_CHECKS:
            checks.register(check, "phonebind", deploy=True)
        if apps.is_installed("drf_spectacular"):
            import_module("phonebind.lifecycle.api.schema")
