"""What a request's ``Content-Type`` may tell Django."""

import re

from django.utils.http import parse_header_parameters

#: What RFC 2046 allows, so none needs to be escaped.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{1,70}")


def as_utf8(content_type: str) -> str:
    """The header without its charset, since JSON and forms are UTF-8 whatever it says.

    Django looks the charset up before the first middleware runs, and under WSGI decodes the query with it. ``rot13``,
    ``hex``, ``idna`` and others are an error 500 there; so is ``utf-8`` with more than DATA_UPLOAD_MAX_NUMBER_FIELDS
    fields in the query; and Python keeps every name that it has not found for as long as the process lives.
    """
    if "charset" not in content_type.lower() and "*" not in content_type:
        return content_type
    try:
        kind, parameters = parse_header_parameters(content_type)
    except ValueError:
        return content_type.partition(";")[0].strip()
    boundary = parameters.get("boundary", "")
    return f'{kind}; boundary="{boundary}"' if _BOUNDARY.fullmatch(boundary) else kind
