"""A host that has changed all settings of DRF, with a transaction around each request on each of its databases."""

from typing import Any, NoReturn

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

_THEIRS = "tests.support.hostile_settings.NoEntry"

REST_FRAMEWORK: dict[str, Any] = {  # type: ignore[no-redef]
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.StaticHTMLRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FileUploadParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [_THEIRS],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_THROTTLE_CLASSES": [_THEIRS],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": _THEIRS,
    "DEFAULT_METADATA_CLASS": _THEIRS,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",  # drf-spectacular requires this of every host
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "ALLOWED_VERSIONS": ["9"],
    "EXCEPTION_HANDLER": _THEIRS,
    "NON_FIELD_ERRORS_KEY": "detail",
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
}
DATABASES["default"]["ATOMIC_REQUESTS"] = True
# A transaction there would fail: the file does not exist, and no test may use it.
DATABASES["reports"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/db", "ATOMIC_REQUESTS": True}


class NoEntry:
    """A class that nothing of ours may use: it fails when it is created."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("the host's own")
