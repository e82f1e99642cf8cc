"""The account life as OpenAPI, for hosts with drf-spectacular: the app loads this for them alone.

One more operation is one more entry of ``OPERATIONS``: what goes out, and all that it can raise.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import fields

from phonebind.api import schema, serializers
from phonebind.api.base import View
from phonebind.exceptions import Invalid, Limited, OriginNotAllowed, PhonebindError, StorageUnavailable, TokenInvalid
from phonebind.lifecycle.api import sessions
from phonebind.lifecycle.exceptions import (
    AuthenticationInsufficient,
    IdentityExists,
    MobileChangePending,
    NotFound,
    OwnerUnclear,
    SessionEnded,
)

# ---------------------------------------------------------------- what goes out


class SessionShown(serializers.Shape):
    """`method`: provider, password, sms, refresh or host. `provider`: the family of the first."""

    id = fields.UUIDField()
    current = fields.BooleanField()
    method = fields.CharField()
    provider = fields.CharField(allow_blank=True)
    user_agent = fields.CharField(allow_blank=True)
    address = fields.CharField(allow_blank=True)
    created_at = fields.DateTimeField()
    last_seen_at = fields.DateTimeField()


# ---------------------------------------------------------------- what goes wrong

#: What errors carry that take something to be made of.
EXAMPLES: Mapping[type[PhonebindError], PhonebindError] = {
    SessionEnded: SessionEnded("revoked"),
    AuthenticationInsufficient: AuthenticationInsufficient(600, ["sms", "password"]),
    IdentityExists: IdentityExists(["add", "replace", "other_number"], {"nickname": "小**", "last_used": "2025-03"}),
    MobileChangePending: MobileChangePending("2026-01-04T08:00:00Z"),
    OwnerUnclear: OwnerUnclear({"nickname": "小**", "last_used": "2025-03"}, ["mine", "not_mine"], "…"),
}

#: Of every operation for somebody who is signed in.
SIGNED_IN: tuple[type[PhonebindError], ...] = (TokenInvalid, StorageUnavailable)
#: Of those of them that change something.
CHANGES: tuple[type[PhonebindError], ...] = (OriginNotAllowed, *SIGNED_IN)


def example(kind: type[PhonebindError]) -> OpenApiExample:
    """One of this error, as it goes out."""
    made: Callable[..., PhonebindError] = kind
    error = EXAMPLES.get(kind) or (made(60) if issubclass(kind, Limited) else made())
    with translation.override("en"):
        value = json.loads(json.dumps(error.body, cls=DjangoJSONEncoder))
    return OpenApiExample(error.code, value, response_only=True, status_codes=[str(error.status)])


def operation(
    name: str,
    description: str,
    answer: Mapping[Any, Any],
    errors: Iterable[type[PhonebindError]],
    parameters: Iterable[Any] = (),
    request: Any = None,
) -> Callable[[Any], Any]:
    """As the contract's own, with an example of each error."""
    kinds: list[type[PhonebindError]] = [Invalid, *errors]
    return extend_schema(
        operation_id=f"phonebind_{name}",
        description=description,
        tags=["phonebind"],
        parameters=[*parameters, schema.RETRY_AFTER],
        request=request,
        responses={**answer, **schema.refusals(kinds)},
        examples=[example(kind) for kind in dict.fromkeys(kinds)],
    )


# ---------------------------------------------------------------- the operations

NOTHING = OpenApiResponse(description="Done.")
SESSION_ID = OpenApiParameter("session_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
EXCEPT = OpenApiParameter("except", str, enum=["current"], description="Spare the session that asks.")

OPERATIONS: Mapping[type[View], Mapping[str, Callable[[Any], Any]]] = {
    sessions.SessionsView: {
        "get": operation(
            "sessions", "One's own sessions, the last used first.", {200: SessionShown(many=True)}, SIGNED_IN
        ),
        "delete": operation("sessions_end", "End all of one's own sessions.", {204: NOTHING}, CHANGES, [EXCEPT]),
    },
    sessions.SessionView: {
        "delete": operation(
            "session_end", "End one of one's own sessions.", {204: NOTHING}, (*CHANGES, NotFound), [SESSION_ID]
        ),
    },
    sessions.RevokeView: {
        "post": operation(
            "revoke",
            "Sign out: end the session of a refresh token. The answer is the same whatever it is (RFC 7009).",
            {200: OpenApiResponse(OpenApiTypes.OBJECT, description="Empty.")},
            [OriginNotAllowed],
            request=serializers.Refresh,
        ),
    },
}


schema.add(OPERATIONS)
