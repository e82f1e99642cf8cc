"""JSON bodies of requests from scripts."""

import json

from django.http import HttpRequest


class Unreadable(Exception):
    """The body is not as required. The message says what is required."""


def read_object(request: HttpRequest) -> dict[str, object]:
    return as_object(request.body)


def as_object(text: str | bytes) -> dict[str, object]:
    try:
        data = json.loads(text)
        # A lone surrogate cannot be shown, stored or sent.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(data, dict):
        raise Unreadable("not a JSON object")
    return data
