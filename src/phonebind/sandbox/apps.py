from django.apps import AppConfig
from django.core.checks import register

from phonebind.signals import image_code_issued

from . import checks, inbox


class SandboxConfig(AppConfig):
    name = "phonebind.sandbox"
    label = "phonebind_sandbox"
    verbose_name = "phonebind sandbox"

    def ready(self) -> None:
        register(checks.debug_only)
        register(checks.shared_cache)
        image_code_issued.connect(inbox.keep_image_code, dispatch_uid="phonebind_sandbox")
