"""Chinese for whoever reads Chinese.

For visitors from Taiwan, Hong Kong and Macao ``LocaleMiddleware`` chooses Traditional Chinese, of which Django has a
catalogue and we have none: they would read English, or Simplified Chinese that calls itself Traditional. They get
Simplified Chinese by its name, unless the project brings a catalogue of its own for our texts.
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
    """The language to speak in place of the active one; None where that is right."""
    language = translation.get_language()
    if not language or language == SIMPLIFIED or not language.startswith("zh"):
        return None
    # What is not in a catalogue is read out of that of LANGUAGE_CODE, or else stays as it is written here.
    elsewhere = {_said_in(other) for other in {SIMPLIFIED, settings.LANGUAGE_CODE, None} - {language}}
    return SIMPLIFIED if _said_in(language) in elsewhere else None


def _said_in(language: str | None) -> str:
    with translation.override(language):
        return _("Wrong SMS code")


def in_ours(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """A view whose whole answer, and the SMS that it sends, is in a language that we speak."""

    @wraps(view)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        language = ours()
        if language is None:
            return view(*args, **kwargs)
        with translation.override(language):
            response = view(*args, **kwargs)
            # Or DRF's would be written after this, in the other language.
            if (render := getattr(response, "render", None)) is not None:
                response = render()
        # LocaleMiddleware would name the other one.
        response.headers["Content-Language"] = language
        return response

    return spoken
