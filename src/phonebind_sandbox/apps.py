from django.apps import AppConfig, apps
from django.core.checks import register
from django.utils.module_loading import import_string

from . import checks, gate, inbox

#: phonebind's signal with the text of an image code. A name and no import: the sandbox shares no code with the client
#: side, and must run without it.
IMAGE_CODE_ISSUED = "phonebind.signals.image_code_issued"


class SandboxConfig(AppConfig):
    name = "phonebind_sandbox"
    verbose_name = "phonebind sandbox"

    def ready(self) -> None:
        gate.is_open()  # decided now, for the whole process
        register(checks.debug_only)
        register(checks.receipts)
        register(checks.shared_cache)
        if apps.is_installed("phonebind"):
            import_string(IMAGE_CODE_ISSUED).connect(inbox.keep_image_code, dispatch_uid="phonebind_sandbox")
