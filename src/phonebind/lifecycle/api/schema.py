"""The account life as OpenAPI. The app loads this module only for hosts with drf-spectacular.

To add an operation, add an entry to ``OPERATIONS`` with its answers and all errors that it can raise.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import fields

from phonebind.api import schema, serializers
from phonebind.api.base import View
from phonebind.exceptions import (
    AccountDisabled,
    CodeInvalid,
    Invalid,
    Limited,
    OriginNotAllowed,
    PasswordWrong,
    PhonebindError,
    ProviderUnavailable,
    ProviderUnknown,
    ServerBusy,
    SmsCodeInvalid,
    SnapshotUser,
    StateInvalid,
    StorageUnavailable,
    TicketInvalid,
    TokenInvalid,
    TooManyAttempts,
    TooManyRequests,
)
from phonebind.lifecycle.api import (
    account,
    forms,
    identities,
    identity_forms,
    ownership,
    sessions,
    verifications,
    way_forms,
    ways,
)
from phonebind.lifecycle.exceptions import (
    AccountUnknown,
    AuthenticationInsufficient,
    IdentityExists,
    IdentityTaken,
    LastWayIn,
    MobileChangePending,
    MobileKept,
    MobileTaken,
    NotFound,
    OwnerHeld,
    OwnerRefused,
    OwnerUnclear,
    QuestionInvalid,
    SessionEnded,
)

# ---------------------------------------------------------------- answers


class SessionShown(serializers.Shape):
    """`method`: provider, password, sms, refresh or host. `provider`: the family of the provider, if the method is
    provider.
    """

    id = fields.UUIDField()
    current = fields.BooleanField()
    method = fields.CharField()
    provider = fields.CharField(allow_blank=True)
    user_agent = fields.CharField(allow_blank=True)
    address = fields.CharField(allow_blank=True)
    created_at = fields.DateTimeField()
    last_seen_at = fields.DateTimeField()


class ChangeShown(serializers.Shape):
    mobile = fields.CharField(help_text="Masked.")
    due_at = fields.DateTimeField()


class AccountShown(serializers.Shape):
    """`methods`: the methods of step-up that this person has."""

    id = schema.Key()
    username = fields.CharField()
    mobile = fields.CharField(allow_blank=True, help_text="Masked.")
    has_password = fields.BooleanField()
    mobile_change = ChangeShown(allow_null=True)
    methods = fields.ListField(child=fields.CharField())


class MobileShown(serializers.Shape):
    mobile = fields.CharField(help_text="Masked.")


class ChangePending(ChangeShown):
    pending = fields.BooleanField()


class IdentityShown(serializers.Shape):
    """`removable`: whether the person has another way to sign in without it."""

    id = fields.IntegerField()
    provider = fields.CharField()
    label = fields.CharField()  # type: ignore[assignment]  # Field has this attribute too; both work
    nickname = fields.CharField(allow_blank=True)
    bound_at = fields.DateTimeField()
    last_used_at = fields.DateTimeField(allow_null=True)
    removable = fields.BooleanField()


class Verified(serializers.Shape):
    """Send `verification` in the header `X-Verification`. It is good for `expires_in` seconds."""

    verification = fields.CharField()
    methods = fields.ListField(child=fields.CharField())
    expires_in = fields.IntegerField()


class CameIn(schema.Account):
    created = fields.BooleanField()


class SignedUp(schema.Account):
    mobile = fields.CharField()


class ResetBegun(serializers.Shape):
    id = fields.CharField()
    expires_in = fields.IntegerField()
    resend_after = fields.IntegerField()


class Chosen(serializers.Shape):
    """`mobile_proof` and `expires_in` are there if the question was about a bind."""

    choice = fields.CharField()
    purpose = fields.CharField()
    mobile_proof = fields.CharField(required=False)
    expires_in = fields.IntegerField(required=False)


# ---------------------------------------------------------------- errors

_DUE_AT = datetime(2026, 1, 4, 8, tzinfo=UTC)
#: An example of each error whose constructor takes arguments.
EXAMPLES: Mapping[type[PhonebindError], PhonebindError] = {
    SessionEnded: SessionEnded("revoked"),
    AuthenticationInsufficient: AuthenticationInsufficient(600, ["sms", "password"]),
    IdentityExists: IdentityExists(["add", "replace", "other_number"], {"nickname": "小**", "last_used": "2025-03"}),
    MobileChangePending: MobileChangePending(_DUE_AT),
    OwnerHeld: OwnerHeld(_DUE_AT),
    OwnerUnclear: OwnerUnclear({"nickname": "小**", "last_used": "2025-03"}, ["mine", "not_mine"], "…"),
}

#: Errors of every operation for a signed-in person.
SIGNED_IN: tuple[type[PhonebindError], ...] = (TokenInvalid, StorageUnavailable)
#: Errors of those operations that change something.
CHANGES: tuple[type[PhonebindError], ...] = (OriginNotAllowed, *SIGNED_IN)
#: Errors of those operations that ask for step-up.
STEPS_UP: tuple[type[PhonebindError], ...] = (*CHANGES, SessionEnded, AuthenticationInsufficient)


def example(kind: type[PhonebindError]) -> OpenApiExample:
    """An example of this error, as clients get it."""
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
    """An operation like those of the contract, with an example of each error."""
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


# ---------------------------------------------------------------- operations

NOTHING = OpenApiResponse(description="Done.")
VERIFICATION = OpenApiParameter("X-Verification", str, OpenApiParameter.HEADER)
IDENTITY_ID = OpenApiParameter("identity_id", OpenApiTypes.INT, OpenApiParameter.PATH)
RESET_ID = OpenApiParameter("reset_id", str, OpenApiParameter.PATH)
SESSION_ID = OpenApiParameter("session_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
EXCEPT = OpenApiParameter("except", str, enum=["current"], description="Spare the session that asks.")

OPERATIONS: Mapping[type[View], Mapping[str, Callable[[Any], Any]]] = {
    sessions.SessionsView: {
        "get": operation(
            "sessions", "The person's own sessions, the last used first.", {200: SessionShown(many=True)}, SIGNED_IN
        ),
        "delete": operation("sessions_end", "End all sessions of the person.", {204: NOTHING}, CHANGES, [EXCEPT]),
    },
    sessions.SessionView: {
        "delete": operation(
            "session_end", "End one session of the person.", {204: NOTHING}, (*CHANGES, NotFound), [SESSION_ID]
        ),
    },
    sessions.RevokeView: {
        "post": operation(
            "revoke",
            "Sign out: end the session of a refresh token. The answer is the same whatever it is (RFC 7009).",
            {200: OpenApiResponse(OpenApiTypes.OBJECT, description="Empty.")},
            [OriginNotAllowed, StorageUnavailable],
            request=serializers.Refresh,
        ),
    },
    account.AccountView: {
        "get": operation("account", "The person's own account.", {200: AccountShown}, SIGNED_IN),
    },
    account.PasswordView: {
        "put": operation(
            "own_password",
            "Set or change the password: by the old one, or by a step-up. All sessions end; the answer is a new one.",
            {200: schema.Account},
            (*STEPS_UP, PasswordWrong, TooManyAttempts, AccountDisabled, ServerBusy),
            [VERIFICATION],
            forms.Password,
        ),
    },
    account.MobileView: {
        "put": operation(
            "own_mobile",
            "Change the mobile: at once by a code to the old number too, and else after `MOBILE_CHANGE_DELAY`. "
            "`sms_code` went to the new one.",
            {200: MobileShown, 202: ChangePending},
            (*STEPS_UP, SmsCodeInvalid, TooManyAttempts, MobileTaken, MobileChangePending, MobileKept, AccountDisabled),
            [VERIFICATION],
            forms.Mobile,
        ),
        "delete": operation("own_mobile_cancel", "Cancel a change of mobile that waits.", {204: NOTHING}, CHANGES),
    },
    verifications.SmsCodeView: {
        "get": operation(
            "account_sms_code",
            "Send a code to the person's own number (`verify`), or to a new one (`change_mobile`).",
            {200: schema.Sent},
            (TokenInvalid, AuthenticationInsufficient, *schema.SMS),
            [identity_forms.AccountSmsCodeRequest],
        ),
    },
    verifications.VerificationsView: {
        "post": operation(
            "verification",
            "Show that it is you, by exactly one way.",
            {201: Verified},
            (
                *CHANGES,
                AuthenticationInsufficient,
                SmsCodeInvalid,
                PasswordWrong,
                TooManyAttempts,
                StateInvalid,
                CodeInvalid,
                SnapshotUser,
                ProviderUnknown,
                ProviderUnavailable,
                AccountDisabled,
                ServerBusy,
            ),
            request=identity_forms.Verification,
        ),
    },
    identities.IdentitiesView: {
        "get": operation("identities", "The person's own identities.", {200: IdentityShown(many=True)}, SIGNED_IN),
        "post": operation(
            "identity_bind",
            "Bind one more: `code` and `state` of a callback whose authorization was asked for with `intent=bind`.",
            {200: IdentityShown, 201: IdentityShown},
            (
                *STEPS_UP,
                StateInvalid,
                CodeInvalid,
                SnapshotUser,
                IdentityTaken,
                IdentityExists,
                ProviderUnknown,
                ProviderUnavailable,
                AccountDisabled,
            ),
            [VERIFICATION],
            identity_forms.Callback,
        ),
    },
    identities.IdentityView: {
        "delete": operation(
            "identity_unbind",
            "Unbind all that this person has at that provider; the sessions that began with it end.",
            {204: NOTHING},
            (*STEPS_UP, NotFound, LastWayIn),
            [IDENTITY_ID, VERIFICATION, identity_forms.Unbinding],
        ),
    },
    ways.SmsView: {
        "post": operation(
            "sms_sign_in",
            "Sign in by SMS, or register: `flow` is of the answer that sent the code.",
            {200: CameIn},
            (
                OriginNotAllowed,
                SmsCodeInvalid,
                TooManyAttempts,
                AccountUnknown,
                MobileTaken,
                AccountDisabled,
                AuthenticationInsufficient,
                OwnerUnclear,
                StorageUnavailable,
            ),
            request=way_forms.SmsSignIn,
        ),
    },
    ways.UsersView: {
        "post": operation(
            "sign_up",
            "Register by SMS, with a name and a password.",
            {201: SignedUp},
            (OriginNotAllowed, SmsCodeInvalid, TooManyAttempts, MobileTaken, StorageUnavailable, ServerBusy),
            request=way_forms.Registration,
        ),
    },
    ways.ResetsView: {
        "post": operation(
            "password_reset_begin",
            "Ask for a code to reset a password: the same answer for every number.",
            {202: ResetBegun},
            [kind for kind in schema.SMS if kind is not TicketInvalid],
            request=way_forms.ResetRequest,
        ),
    },
    ways.ResetView: {
        "put": operation(
            "password_reset",
            "Set a new password, and sign in. All other sessions end.",
            {200: schema.Account},
            (
                OriginNotAllowed,
                SmsCodeInvalid,
                TooManyAttempts,
                AccountDisabled,
                OwnerRefused,
                OwnerUnclear,
                StorageUnavailable,
                ServerBusy,
            ),
            [RESET_ID],
            way_forms.NewPassword,
        ),
    },
    ownership.OwnershipView: {
        "post": operation(
            "ownership",
            "Answer `owner_unclear`; then send what was asked about again.",
            {200: Chosen},
            (
                OriginNotAllowed,
                TooManyRequests,
                QuestionInvalid,
                PasswordWrong,
                TooManyAttempts,
                AuthenticationInsufficient,
                OwnerHeld,
                OwnerRefused,
                MobileKept,
                AccountDisabled,
                StorageUnavailable,
                ServerBusy,
            ),
            request=ownership.Choice,
        ),
    },
}

INTENT = OpenApiParameter("intent", str, enum=["bind", "verify"], description="Of who is signed in: not to sign in.")

#: What the contract's operations answer in addition when this app is installed.
MORE = {
    name: schema.More({kind: example(kind) for kind in kinds}, parameters)
    for name, kinds, parameters in (
        ("authorization", (TokenInvalid, StorageUnavailable), [INTENT]),
        ("bind", (AuthenticationInsufficient, OwnerUnclear, IdentityExists), []),
        ("refresh", (SessionEnded,), []),
    )
}

schema.add(OPERATIONS, MORE)
