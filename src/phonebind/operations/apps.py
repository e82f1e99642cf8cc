from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig, apps
from django.core import checks
from django.utils.translation import gettext_lazy as _

from phonebind import setting_checks
from phonebind.conf import conf


class OperationsConfig(AppConfig):
    name = "phonebind.operations"
    label = "phonebind_operations"
    verbose_name = _("Operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        own = import_module("phonebind.operations.checks")
        for check in (*own.CHECKS, *import_module("phonebind.operations.webhooks.checks").CHECKS):
            checks.register(check, "phonebind")
        # Imported only now, because these modules import models.
        for name in ("events.recording", "reports.pumping", "webhooks.acts"):
            import_module(f"phonebind.operations.{name}").install()
        if apps.is_installed("phonebind.lifecycle"):
            account: Any = import_module("phonebind.operations.helpdesk.account")
            account.known = import_module("phonebind.operations.helpdesk.account_life").WithLifecycle()
        if setting_checks.check_settings():
            return  # the system check already reports these errors
        if conf.metrics_token and find_spec("prometheus_client"):
            self._count()
        if conf.tracing and own.has_opentelemetry():
            import_module("phonebind.operations.monitoring.tracing").install()

    def _count(self) -> None:
        # This must run before prometheus-client is loaded: prometheus-client writes to its files as soon as it is
        # loaded.
        if import_module("phonebind.operations.monitoring.workers").allocate():
            import_module("phonebind.operations.monitoring.metrics").install()
            text = import_module("phonebind.operations.monitoring.exposition").text
            import_module("phonebind.operations.monitoring.views").tell(text)
