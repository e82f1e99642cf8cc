"""Chinese texts for everybody who reads Chinese.

For visitors from Taiwan, Hong Kong and Macao, ``LocaleMiddleware`` chooses Traditional Chinese. Django has a catalogue
for it, and phonebind has none. These visitors would read English, or Simplified Chinese that is labelled as
Traditional. They get Simplified Chinese under its right name, unless the project has its own catalogue of our texts.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

P = ParamSpec("P")

SIMPLIFIED = "zh-hans"


def ours() -> str | None:
    """The language to use in place of the active one; None if the active one is right."""
    language = translation.get_language()
    if not language or language == SIMPLIFIED or not language.startswith("zh"):
        return None
    # A text that is not in a catalogue comes from the catalogue of LANGUAGE_CODE, or stays English.
    elsewhere = {_said_in(other) for other in {SIMPLIFIED, settings.LANGUAGE_CODE, None} - {language}}
    return SIMPLIFIED if _said_in(language) in elsewhere else None


def _said_in(language: str | None) -> str:
    with translation.override(language):
        return _("Wrong SMS code")


def in_ours(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Make the whole answer of a view, and the SMS that it sends, use a language that we have."""

    @wraps(view)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        language = ours()
        if language is None:
            return view(*args, **kwargs)
        with translation.override(language):
            response = view(*args, **kwargs)
            # Otherwise DRF renders after this block, in the other language.
            if (render := getattr(response, "render", None)) is not None:
                response = render()
        # LocaleMiddleware would set the other language.
        response.headers["Content-Language"] = language
        return response

    return spoken
