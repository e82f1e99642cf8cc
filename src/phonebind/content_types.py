"""The part of a request's ``Content-Type`` that Django may see."""

import re

from django.utils.http import parse_header_parameters

#: The characters that RFC 2046 allows. None of them needs an escape.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{1,70}")


def as_utf8(content_type: str) -> str:
    """The header without its charset: JSON and forms are read as UTF-8 in any case.

    Django looks up the charset before the first middleware runs, and under WSGI decodes the query with it. ``rot13``,
    ``hex``, ``idna`` and others cause an error 500 there. So does ``utf-8`` with more than
    DATA_UPLOAD_MAX_NUMBER_FIELDS fields in the query. And Python keeps every unknown name in memory as long as the
    process lives.
    """
    if "charset" not in content_type.lower() and "*" not in content_type:
        return content_type
    try:
        kind, parameters = parse_header_parameters(content_type)
    except ValueError:
        return content_type.partition(";")[0].strip()
    boundary = parameters.get("boundary", "")
    return f'{kind}; boundary="{boundary}"' if _BOUNDARY.fullmatch(boundary) else kind
