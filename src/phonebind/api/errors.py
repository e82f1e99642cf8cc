"""Every error in one shape: ``{"code", "message", "errors"?, "retry_after"?}``.

Only the views of this package use this exception handler. The host's global exception handler is not changed.
"""

import logging
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import APIException, MethodNotAllowed, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

from phonebind import audit
from phonebind.exceptions import DATABASE_DOWN, UNREADABLE, Invalid, PhonebindError, StorageUnavailable

logger = logging.getLogger(__name__)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. Returns None for an unexpected error: it is a bug and rises to Django."""
    known, request = translate(error), context["request"]._request
    if known is None:
        if not audit.is_committed(request):
            return None
        # A retry is right: the same request gets the same success.
        logger.error("A bind was committed, and its answer failed", exc_info=error)
        known = StorageUnavailable()
    if known is not error:
        known.__cause__ = error
    audit.refused(request, known)
    response = Response(known.body, status=known.status, headers=known.headers)
    known.finish(response)
    return response


def translate(error: Exception) -> PhonebindError | None:
    """The error of ours that corresponds to a library's exception. None if there is no such error."""
    match error:
        case PhonebindError():
            return error
        case ValidationError():
            return Invalid(_fields(error.detail))
        case MethodNotAllowed():
            return Invalid(status=error.status_code)
        case APIException():
            return Invalid()
    if isinstance(error, UNREADABLE):
        return Invalid()
    return StorageUnavailable() if isinstance(error, DATABASE_DOWN) else None


def _fields(detail: Any) -> Mapping[str, list[str]]:
    """A serializer's errors by field. Errors that belong to no field are left out."""
    if not isinstance(detail, dict) or api_settings.NON_FIELD_ERRORS_KEY in detail:
        return {}
    return {field: [str(message) for message in messages] for field, messages in detail.items()}
