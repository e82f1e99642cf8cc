"""What a request may weigh, and that its text is UTF-8: looked at before anything reads it."""

import re
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from phonebind.exceptions import Invalid

#: Bytes. Nothing that is sent to us is near this long.
MAX_BYTES = 32 * 1024

_CHARSET = "utf-8"
_LENGTH = re.compile(r"[0-9]{1,9}\Z")
#: What Django puts in place of bytes that are not UTF-8. Nobody types it.
_REPLACEMENT = "\ufffd"


def check_length(request: HttpRequest) -> None:
    """Raises Invalid for a body that is too long to read, and for one that does not say how long it is."""
    length = request.META.get("CONTENT_LENGTH") or ("" if request.method == "POST" else "0")
    if not _LENGTH.match(length) or int(length) > MAX_BYTES:
        raise Invalid


def read_as_utf8(request: HttpRequest) -> None:
    """Whichever charset the Content-Type names. Some names are codecs of Python that are no charset ("rot13"), and
    would end in an error 500; to be called before the first look at GET, POST or ``request.data``.
    """
    named: Any = request.encoding  # None where there is no charset, which the stubs leave out
    if (named or settings.DEFAULT_CHARSET).lower() != _CHARSET:
        request.encoding = _CHARSET


def check_bytes(request: HttpRequest) -> None:
    """Raises Invalid for a query or a form whose bare bytes are not UTF-8: Django reads them as Latin-1 then, and says
    nothing. (Of percent-encoded ones and of multipart :func:`check_text` sees what became of them, and JSON is strict.)
    """
    try:
        if isinstance(request, WSGIRequest):  # ASGI's has decoded it already, strictly
            request.META.get("QUERY_STRING", "").encode("latin-1").decode(_CHARSET)
        if request.method == "POST" and request.content_type == "application/x-www-form-urlencoded":
            request.body.decode(_CHARSET)
    except UnicodeError:
        raise Invalid from None


def check_text(fields: QueryDict) -> None:
    """Raises Invalid for a field that was not UTF-8. Django has replaced what it could not read by then: two passwords
    that somebody sent in GBK may have become one.
    """
    for name, values in fields.lists():
        if any(_REPLACEMENT in str(value) for value in (name, *values)):
            raise Invalid({name: [_("Send this text as UTF-8.")]})
