"""JSON that scripts send."""

import json

from django.http import HttpRequest


class Unreadable(Exception):
    """The body is not what was asked for; the message says what that is."""


def read_object(request: HttpRequest) -> dict[str, object]:
    return as_object(request.body)


def as_object(text: str | bytes) -> dict[str, object]:
    try:
        data = json.loads(text)
        # Half a character cannot be shown, stored or sent on.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(data, dict):
        raise Unreadable("not a JSON object")
    return data
