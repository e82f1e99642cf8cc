"""The reference server in the look of a tea shop: settings, one style sheet and two small templates.

DJANGO_SETTINGS_MODULE=examples.themed_shop.settings make run

docs/en/how-to/style-pages.md goes through it step by step.
"""

from pathlib import Path
from typing import Any

from server.settings import *  # noqa: F403
from server.settings import PHONEBIND, TEMPLATES

HERE = Path(__file__).resolve().parent

STATICFILES_DIRS = [HERE / "static"]
_DIRS: Any = TEMPLATES[0]["DIRS"]
TEMPLATES = [{**TEMPLATES[0], "DIRS": [HERE / "templates", *_DIRS]}]

PHONEBIND = {
    **PHONEBIND,
    "SITE_NAME": "青山茶铺",
    "LOGO_URL": "teashop/logo.svg",
    "STYLE_URL": "teashop/theme.css",
    "HELP_URL": "https://example.com/help",
    "RETURN_URL": "/",
    "TERMS_URL": "https://example.com/terms",
    "PRIVACY_URL": "https://example.com/privacy",
}
