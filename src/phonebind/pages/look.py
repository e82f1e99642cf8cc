"""How the pages look, as far as settings say it: for every template, and for the Content-Security-Policy."""

from typing import Any

from django.templatetags.static import static

from phonebind.conf import conf
from phonebind.pages.targets import origin


def context() -> dict[str, Any]:
    """What every template of ours has besides its own."""
    return {
        "site_name": conf.site_name,
        "logo_url": _address(conf.logo_url),
        "style_url": _address(conf.style_url),
        "help_url": conf.help_url,
        "return_url": conf.return_url,
        "terms_url": conf.terms_url,
        "privacy_url": conf.privacy_url,
    }


def origins() -> tuple[str, str]:
    """Of other sites that the style sheet and the logo come from; "" for our own."""
    return origin(conf.style_url), origin(conf.logo_url)


def _address(named: str) -> str:
    """A URL and a path are one already. All else is the name of a static file: ``shop/logo.svg``."""
    return named if not named or named.startswith(("/", "https://", "http://")) else static(named)
