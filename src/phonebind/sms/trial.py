"""A test message of an operator: what it would be, and what each gateway makes of it."""

import secrets
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import translation

from phonebind import sms_texts
from phonebind.conf import conf
from phonebind.sms.base import LANGUAGE, PURPOSES, Gateway, Message
from phonebind.sms.inner import leaves, problems
from phonebind.sms.registry import make
from phonebind.sms.templates import TemplateVendor

MINUTES = 5
#: Languages that we have texts in.
WRITTEN = (LANGUAGE, "en")


def message(mobile: str, purpose: str, language: str) -> Message:
    """With a code that is stored nowhere, so that it is good for nothing."""
    code = f"{secrets.randbelow(10**6):06}"
    with translation.override(language):
        text = sms_texts.bind_text(conf.site_name, code, MINUTES)
    return Message(mobile=mobile, code=code, minutes=MINUTES, text=text, purpose=purpose, language=language)


def shape(gateway: Gateway, wanted: Message) -> str:
    """What the vendor is given: the id of a template, or our text."""
    return f"template {gateway.filled.id(wanted)}" if isinstance(gateway, TemplateVendor) else "our own text"


def shapes(options: Any) -> Iterator[tuple[str, str, str, str]]:
    """Name, purpose, language and shape: for each gateway that can send, each purpose, and each language of the site
    that we have texts in or a template of its own is for. Django's default has a hundred.
    """
    languages = dict.fromkeys([LANGUAGE, *(language for language, _ in settings.LANGUAGES)])
    for name, each in leaves(options):
        if problems(each):
            continue
        gateway = make(each)
        for purpose in PURPOSES:
            by_language = {each: shape(gateway, message("13800000000", purpose, each)) for each in languages}
            for language, found in by_language.items():
                if language in WRITTEN or found != by_language[LANGUAGE]:
                    yield name, purpose, language, found
