"""System checks of this app's settings in ``PHONEBIND``. An id never changes its meaning.

E025 METRICS_TOKEN is unusable         E026 TRACING needs a library
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error

from phonebind import setting_checks
from phonebind.conf import SETTING, conf

#: A header can carry such a token, and an attacker cannot guess it.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{20,256}")


def check_metrics(**kwargs: Any) -> list[CheckMessage]:
    return [Error(f"{SETTING}['METRICS_TOKEN']: {problem}", id="phonebind.E025") for problem in _metrics_problems()]


def _metrics_problems() -> Iterator[str]:
    if setting_checks.check_settings() or not conf.metrics_token:
        return
    if not _TOKEN.fullmatch(conf.metrics_token):
        yield "it must be 20 to 256 characters out of [A-Za-z0-9._~+/=-]."
    if not find_spec("prometheus_client"):
        yield "prometheus-client is not installed: pip install 'phonebind[metrics]'."


def check_tracing(**kwargs: Any) -> list[CheckMessage]:
    if setting_checks.check_settings() or not conf.tracing or has_opentelemetry():
        return []
    hint = "pip install opentelemetry-api, and the SDK and an exporter of your choice."
    return [Error(f"{SETTING}['TRACING'] needs opentelemetry-api.", hint=hint, id="phonebind.E026")]


def has_opentelemetry() -> bool:
    return bool(find_spec("opentelemetry") and find_spec("opentelemetry.trace"))


CHECKS = (check_metrics, check_tracing)
