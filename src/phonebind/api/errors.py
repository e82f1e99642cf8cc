"""Every error as one shape: ``{"code", "message", "errors"?, "retry_after"?}``.

Used by these views alone, through their own exception handler: the host's global one is the host's.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http.request import UnreadablePostError
from rest_framework.exceptions import APIException, MethodNotAllowed, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

from phonebind.exceptions import Invalid, PhonebindError, StorageUnavailable


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler protocol: None lets what is no foreseen outcome rise and be a bug."""
    known = translate(error)
    return None if known is None else respond(known)


def translate(error: Exception) -> PhonebindError | None:
    """The outcome that a library's exception means to us."""
    match error:
        case PhonebindError():
            return error
        case ValidationError():
            return Invalid(_fields(error.detail))
        case MethodNotAllowed():
            return Invalid(status=error.status_code)
        case APIException() | SuspiciousOperation() | UnreadablePostError() | RecursionError():
            # Unreadable, of an unknown type, with ten thousand fields, or nested deeper than the JSON parser goes.
            return Invalid()
        case OperationalError() | InterfaceError():
            return StorageUnavailable()
    return None


def respond(error: PhonebindError) -> Response:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.errors:
        body["errors"] = error.errors
    headers = {}
    if error.retry_after is not None:
        body["retry_after"] = error.retry_after
        headers["Retry-After"] = str(error.retry_after)
    return Response(body, status=error.status, headers=headers)


def _fields(detail: Any) -> Mapping[str, list[str]]:
    """A serializer's errors; what blames no field has no place in them."""
    if not isinstance(detail, dict) or api_settings.NON_FIELD_ERRORS_KEY in detail:
        return {}
    return {field: [str(message) for message in messages] for field, messages in detail.items()}
