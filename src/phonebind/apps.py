import logging
import re

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from phonebind.checks import CHECKS

_MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(?=\d{4}(?!\d))")


class PhonebindConfig(AppConfig):
    name = "phonebind"
    verbose_name = _("Phone-verified sign-in")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for check in CHECKS:
            checks.register(check, "phonebind")
        logging.getLogger("django.request").addFilter(mask_mobiles)


def mask_mobiles(record: logging.LogRecord) -> bool:
    """Django logs the path of each request that failed, and the contract has a mobile in one: 138****0001."""
    if isinstance(record.args, tuple):
        record.args = tuple(_MOBILE.sub(r"\1****", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True
