"""Paths that existing front ends use and that no dialect has by itself. A host writes them into its own urls.py, before
ours.
"""

from typing import Any

from django.urls import URLPattern

from phonebind.api import dialects

ALIASES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("oauth/qq/statues/", "authorization", {"provider": "qq"}),
    ("oauth/qq/users/", "oauth_user", {"provider": "qq"}),
    ("qq/back/", "oauth_user", {"provider": "qq", "names": {"secret": "access_token"}}),
    ("qq/login/", "authorization", {"provider": "qq"}),
    ("users/auths/", "password", {}),
    ("verifications/imagecodes/<str:image_code_id>/", "image_code", {}),
    ("verifications/images/<str:image_code_id>.jpg", "image_code", {}),
    ("verifications/smscodes/<str:mobile>/", "sms_code", {}),
    ("verifications/sms/<str:mobile>/", "sms_code", {"names": {"codeId": "image_code_id"}}),
)


def aliases() -> list[URLPattern]:
    """The paths in the current dialect of ``FRONT_END``."""
    return [dialects.path(route, name, **more) for route, name, more in ALIASES]
