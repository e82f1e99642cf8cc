"""The reference server of a host whose front end also uses other paths, and sends its tokens as ``JWT …``."""

from typing import Any

from server import settings
from server.settings import *  # noqa: F403

_JWT: dict[str, Any] = {**settings.SIMPLE_JWT, "AUTH_HEADER_TYPES": ("JWT", "Bearer")}

ROOT_URLCONF = "tests.support.aliased_urls"
SIMPLE_JWT = _JWT
