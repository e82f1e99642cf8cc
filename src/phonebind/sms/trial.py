"""A test message of the operator: its content, and how each gateway would send it."""

import secrets
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import translation

from phonebind import sms_texts
from phonebind.conf import conf
from phonebind.sms.base import LANGUAGE, Gateway, Message, purposes
from phonebind.sms.inner import leaves, problems
from phonebind.sms.registry import make
from phonebind.sms.templates import TemplateVendor

MINUTES = 5
#: The maximum number of languages that are listed in one line.
FEW = 3


def message(mobile: str, purpose: str, language: str) -> Message:
    """A message whose code is stored nowhere, so the code is not valid for anything."""
    code = f"{secrets.randbelow(10**6):06}"
    with translation.override(language):
        text = sms_texts.code_text(purpose, conf.site_name, code, MINUTES)
    return Message(mobile=mobile, code=code, minutes=MINUTES, text=text, purpose=purpose, language=language)


def shape(gateway: Gateway, wanted: Message) -> str:
    """What the vendor receives: the id of a template, or our own text."""
    return f"template {gateway.filled.id(wanted)}" if isinstance(gateway, TemplateVendor) else "our own text"


def shapes(options: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, purpose, languages and shape: one for each gateway that can send, each purpose, and each shape.

    A shape is listed with the site's languages that lead to it.
    """
    for name, each in leaves(options):
        if problems(each):
            continue
        gateway = make(each)
        for purpose in purposes():
            for shape, languages in _by_shape(gateway, purpose).items():
                yield name, purpose, languages, shape


def _by_shape(gateway: Gateway, purpose: str) -> dict[str, str]:
    """The languages by shape. A new Django project has a hundred languages, and nearly all use the fallback."""
    found: dict[str, list[str]] = {}
    for language in dict.fromkeys([LANGUAGE, *(language for language, _ in settings.LANGUAGES)]):
        found.setdefault(shape(gateway, message("13800000000", purpose, language)), []).append(language)
    fallback, *_ = found
    named = {shape: ", ".join(languages) for shape, languages in found.items()}
    if len(found[fallback]) > FEW:
        named[fallback] = "every other language" if len(found) > 1 else "every language"
    return named
