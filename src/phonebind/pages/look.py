"""The look of the pages, from the settings: for every template, and for the Content-Security-Policy."""

from typing import Any

from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name for it
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from phonebind.conf import SETTING, conf, development
from phonebind.pages.targets import origin

#: Schemes of addresses that are their own content. The policy of the pages stops such a script as well.
_INLINE = ("javascript:", "data:", "vbscript:")


def context() -> dict[str, Any]:
    """Context for every template."""
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
    """The origins of the style sheet and of the logo. "" if a file is on our own site."""
    return origin(conf.style_url), origin(conf.logo_url)


def check(**kwargs: Any) -> list[CheckMessage]:
    """Warn about missing static files. With a manifest, a missing file makes every page fail with status 500."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return []
    try:
        named = {"LOGO_URL": conf.logo_url, "STYLE_URL": conf.style_url}
    except ImproperlyConfigured:  # phonebind.E001 reports it
        return []
    missing = [name for name, value in named.items() if _is_file(value) and finders.find(value) is None]
    return [
        Warning(
            f"{SETTING}[{name!r}] is {named[name]!r}, but there is no static file with that name.",
            hint=f"Look for it: manage.py findstatic {named[name]}",
            id="phonebind_pages.W003",
        )
        for name in missing
    ]


def check_addresses(**kwargs: Any) -> list[CheckMessage]:
    """Warn about an address that browsers refuse, or that could run a script."""
    try:
        files = {"LOGO_URL": conf.logo_url, "STYLE_URL": conf.style_url}
        links = {"HELP_URL": conf.help_url, "RETURN_URL": conf.return_url}
    except ImproperlyConfigured:  # phonebind.E001 reports it
        return []
    wrong = [name for name, value in links.items() if value.strip().lower().startswith(_INLINE)]
    wrong += [name for name, value in files.items() if not _is_loaded(value)]
    return [
        Warning(
            f"{SETTING}[{name!r}] is {(files | links)[name]!r}. No browser can use it on our pages.",
            hint="Use a path or an https URL.",
            id="phonebind_pages.W004",
        )
        for name in wrong
    ]


def _is_loaded(named: str) -> bool:
    """Whether a browser loads it. A page with HTTPS loads no style sheet over plain HTTP: others could change it."""
    scheme, host, _ = named.lower().partition("//")
    if not host or scheme not in ("https:", "http:", ""):
        return True  # a path or a static file
    return bool(origin(named)) and (scheme != "http:" or development())


def _address(named: str) -> str:
    return static(named) if _is_file(named) else named


def _is_file(named: str) -> bool:
    """URLs and paths are used as they are. Any other value is the name of a static file, such as ``shop/logo.svg``."""
    return bool(named) and not named.lower().startswith(("/", "https://", "http://"))
