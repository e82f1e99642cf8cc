"""Limits on the length and the encoding of a request, checked before anything reads it."""

import re
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from phonebind.exceptions import Invalid

#: Bytes. No valid request to us is nearly as long.
MAX_BYTES = 32 * 1024

_CHARSET = "utf-8"
_LENGTH = re.compile(r"[0-9]{1,9}\Z")
#: Django's replacement for bytes that are not UTF-8. No person types it.
_REPLACEMENT = "\ufffd"


def check_length(request: HttpRequest) -> None:
    """Raises Invalid for a body that is too long to read, and for one without a declared length."""
    length = request.META.get("CONTENT_LENGTH") or ("" if request.method == "POST" else "0")
    if not _LENGTH.match(length) or int(length) > MAX_BYTES:
        raise Invalid


def read_as_utf8(request: HttpRequest) -> None:
    """Read the request as UTF-8, whatever charset its Content-Type names. Some names are codecs of Python but not
    charsets ("rot13"), and would cause an error 500. Call it before the first access to GET, POST or ``request.data``.
    """
    named: Any = request.encoding  # None if there is no charset; the stubs leave that out
    if (named or settings.DEFAULT_CHARSET).lower() != _CHARSET:
        request.encoding = _CHARSET


def check_bytes(request: HttpRequest) -> None:
    """Raises Invalid for a query or a form whose raw bytes are not UTF-8: Django silently reads them as Latin-1.

    (:func:`check_text` finds the same in percent-encoded and multipart data, and JSON is strict.)
    """
    try:
        if isinstance(request, WSGIRequest):  # ASGI has decoded it already, strictly
            request.META.get("QUERY_STRING", "").encode("latin-1").decode(_CHARSET)
        if request.method == "POST" and request.content_type == "application/x-www-form-urlencoded":
            request.body.decode(_CHARSET)
    except UnicodeError:
        raise Invalid from None


def check_text(fields: QueryDict) -> None:
    """Raises Invalid for a field that was not UTF-8. By now Django has replaced the bytes that it could not read: two
    different passwords in GBK may have become the same text.
    """
    for name, values in fields.lists():
        if any(_REPLACEMENT in str(value) for value in (name, *values)):
            raise Invalid({name: [_("Send this text as UTF-8.")]})
