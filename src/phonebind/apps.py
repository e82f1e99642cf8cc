from importlib import import_module

from django.apps import AppConfig, apps
from django.core import checks
from django.utils.translation import gettext_lazy as _

from phonebind import masking
from phonebind.checks import CHECKS, DEPLOY_CHECKS
from phonebind.conf import development


class PhonebindConfig(AppConfig):
    name = "phonebind"
    verbose_name = _("Phone-verified sign-in")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        development()  # remembers DEBUG from now on
        for check in CHECKS:
            checks.register(check, "phonebind")
        for check in DEPLOY_CHECKS:
            checks.register(check, "phonebind", deploy=True)
        masking.install()
        for module in ("databases", "revocation"):
            import_module(f"phonebind.{module}").install()  # not earlier: they import models
        if apps.is_installed("drf_spectacular"):
            import_module("phonebind.api.schema")
            import_module("phonebind.api.key_schema")
            import_module("phonebind.api.token_schema")
