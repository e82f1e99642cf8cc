"""The contract as OpenAPI, for hosts with drf-spectacular. ``phonebind.apps`` imports this module only for them.

The shape of requests comes from ``api.serializers``, and statuses and codes come from ``exceptions``. This module
describes the responses, and which operation can raise which errors.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiViewExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import fields

from phonebind import mobiles, oauth
from phonebind.api import serializers
from phonebind.api.authorizations import PasswordView, RefreshView
from phonebind.api.base import View
from phonebind.api.codes import HumanCheckView, ImageCodeView, SmsCodeView
from phonebind.api.mobile_proofs import MobileProofView
from phonebind.api.oauth import AuthorizationView, NativeView, OAuthUserView, WaysView
from phonebind.api.receipts import SmsReceiptView, VendorReceiptView
from phonebind.exceptions import (
    AccountDisabled,
    AlreadyBound,
    CodeInvalid,
    CredentialsInvalid,
    HumanCheckInvalid,
    HumanCheckUnavailable,
    ImageCodeInvalid,
    Invalid,
    Limited,
    MobileProofInvalid,
    MobileProofTooWeak,
    MobileProofUnavailable,
    NextNotAllowed,
    OriginNotAllowed,
    PasswordWrong,
    PhonebindError,
    ProviderUnavailable,
    ProviderUnknown,
    ReceiptUnknown,
    ServerBusy,
    SignInCancelled,
    SmsCodeInvalid,
    SmsNotSent,
    SmsQuota,
    SmsRefused,
    SmsTooFrequent,
    SmsUnconfirmed,
    SnapshotUser,
    StateInvalid,
    StorageUnavailable,
    TicketInvalid,
    TokenInvalid,
    TooManyAttempts,
    TooManyRequests,
    Unavailable,
)
from phonebind.human.image_codes import MEDIA_TYPE
from phonebind.sms.receipts import REASONS

Errors: TypeAlias = Sequence[type[PhonebindError]]

# ---------------------------------------------------------------- responses


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class Key(fields.Field[Any, Any, Any, Any]):
    """A primary key of the host's user model: a number, or a UUID as a string."""


class Way(serializers.Shape):
    """`name` goes into the paths. `family` says which logo to show. `text` is for the button, or tells the person what
    to do.
    """

    name = fields.CharField()
    kind = fields.CharField()
    family = fields.CharField()
    label = fields.CharField()  # type: ignore[assignment]  # it hides an attribute of Field
    text = fields.CharField()


class Ways(serializers.Shape):
    ways = Way(many=True)
    elsewhere = Way(many=True)


class LoginUrl(serializers.Shape):
    login_url = fields.CharField()


class Pair(serializers.Shape):
    token = fields.CharField()
    refresh = fields.CharField()


class Account(Pair):
    id = Key()
    user_id = Key()
    username = fields.CharField()


class SignedIn(Account):
    next = fields.CharField()


class NotBound(serializers.Shape):
    access_token = fields.CharField()
    expires_in = fields.IntegerField()
    next = fields.CharField()
    nickname = fields.CharField()
    avatar = fields.CharField(help_text="An https address, or empty.")


class NativeNotBound(NotBound):
    """`mobile_proof`, `mobile` (masked) and `strength` are present where the provider gave the mobile number with the
    identity. Then the bind takes `mobile_proof` in place of an SMS code.
    """

    mobile_proof = fields.CharField(required=False)
    mobile = fields.CharField(required=False)
    strength = fields.CharField(required=False)


class Proved(serializers.Shape):
    """`mobile` is masked. `strength` is carrier, realtime or quick. Send `mobile_proof` with the bind within
    `expires_in` seconds.
    """

    mobile_proof = fields.CharField()
    mobile = fields.CharField()
    strength = fields.CharField()
    expires_in = fields.IntegerField()


class Sent(serializers.Shape):
    """`receipt` is present where the site has receipts on: `GET /sms_receipts/{receipt}/` says whether it arrived."""

    message = fields.CharField()
    resend_after = fields.IntegerField()
    expires_in = fields.IntegerField()
    receipt = fields.CharField(required=False)


class Receipt(serializers.Shape):
    """`state` is waiting, delivered or failed. `reason` says why it failed. `message` is for people."""

    state = fields.CharField()
    # Not an enum: drf-spectacular would make a component of it, whose name could be that of a component of the host.
    reason = fields.CharField(help_text=f"Empty, or one of {', '.join(REASONS)}.")
    message = fields.CharField()


class Error(serializers.Shape):
    """`code` is for programs, `message` is for people.

    `errors` lists the fields at fault. `retry_after` is in seconds.
    """

    code = fields.CharField()
    message = fields.CharField()
    errors = fields.DictField(  # type: ignore[assignment]  # it hides an attribute of Serializer
        child=fields.ListField(child=fields.CharField()), required=False
    )
    retry_after = fields.IntegerField(min_value=1, required=False)


class HumanCheck(serializers.Shape):
    """`image`: whether an image code is needed. `human_check`: the other check with its `name` and data, or null."""

    image = fields.BooleanField()
    human_check = fields.DictField(allow_null=True)


class HumanCheckQuery(serializers.HumanCheckRequest):
    mobile = None  # type: ignore[assignment]  # it is in the path


class BindForm(serializers.BindByProof):
    """`mobile`, `sms_code` and `password`; or `mobile_proof`, and `password` if the account has one."""

    mobile_proof = fields.CharField(max_length=1024, required=False)
    sms_code = serializers.CodeField(required=False)


class SmsCodeForm(serializers.SmsCodeRequest):
    mobile = None  # type: ignore[assignment]  # it is in the path


EITHER = PolymorphicProxySerializer("PhonebindCallbackAnswer", [SignedIn, NotBound], resource_type_field_name=None)
NATIVE = PolymorphicProxySerializer("PhonebindNativeAnswer", [SignedIn, NativeNotBound], resource_type_field_name=None)


# ---------------------------------------------------------------- errors


def refusals(errors: Errors) -> dict[int, Any]:
    """Responses by status. 405 answers any other method; OpenAPI can only describe it at the methods that exist."""
    by_status: dict[int, list[type[PhonebindError]]] = {}
    for error in errors:
        by_status.setdefault(error.status, []).append(error)
    refusals = {status: _refusal(kinds) for status, kinds in by_status.items()}
    return refusals | {405: OpenApiResponse(Error, description=f"{Invalid.code}: another method")}


def _refusal(kinds: Errors) -> OpenApiResponse:
    codes = list(dict.fromkeys(kind.code for kind in kinds))
    ours: dict[str, Any] = {"properties": {"code": {"type": "string", "enum": codes}}}
    if all(issubclass(kind, Limited | Unavailable) for kind in kinds):
        ours["required"] = ["retry_after"]
    # The component PhonebindError is registered by the response for 405.
    schema = {"allOf": [{"$ref": "#/components/schemas/PhonebindError"}, ours]}
    return OpenApiResponse(schema, description=", ".join(codes))


# ---------------------------------------------------------------- operations


def _path(name: str, type_: Any, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, type_, OpenApiParameter.PATH, **more)


PROVIDER = _path("provider", str, enum=list(oauth.KINDS))
IMAGE_CODE_ID = _path("image_code_id", OpenApiTypes.UUID, description="A random UUID that the client makes.")
MOBILE = _path(
    "mobile",
    str,
    pattern=mobiles.MOBILE_PATTERN.replace(r"\A", "^").replace(r"\Z", "$"),
    description="Spaces, hyphens, invisible marks, full-width digits and a prefix +86, 0086 or 86 are accepted.",
)
RECEIPT = _path("receipt", str, description="The `receipt` in the answer to the SMS request.")
RETRY_AFTER = OpenApiParameter(
    "Retry-After", int, OpenApiParameter.HEADER, response=[429, 502, 503], description="The same as retry_after."
)


@dataclass(frozen=True, slots=True)
class More:
    """What another app adds to an operation: errors, each with an example, and parameters."""

    examples: Mapping[type[PhonebindError], OpenApiExample] = field(default_factory=dict)
    parameters: Sequence[OpenApiParameter] = ()


#: Additions, by the name of the operation.
MORE: dict[str, More] = {}


def _operation(
    name: str,
    description: str,
    answer: Mapping[Any, Any],
    errors: Errors,
    parameters: Iterable[Any] = (),
    request: Any = None,
) -> Callable[[Any], Any]:
    def describe(view: Any) -> Any:
        # Read when a schema is made: by then, every app has registered its additions.
        more = MORE.get(name, More())
        return extend_schema(
            operation_id=f"phonebind_{name}",
            description=description,
            tags=["phonebind"],
            parameters=[*parameters, *more.parameters, RETRY_AFTER],
            request=request,
            responses={**answer, **refusals([Invalid, *errors, *more.examples])},
            examples=list(more.examples.values()),
        )(view)

    return describe


SMS = (
    OriginNotAllowed,
    TooManyRequests,
    HumanCheckInvalid,
    HumanCheckUnavailable,
    ImageCodeInvalid,
    TicketInvalid,
    SmsTooFrequent,
    SmsQuota,
    SmsRefused,
    SmsNotSent,
    SmsUnconfirmed,
    StorageUnavailable,
)
_SMS_DESCRIPTION = (
    "Send an SMS code. The image code is used up, right or wrong. The settings decide what is required: an image code, "
    "a `human_check`, both, or nothing; `GET /human_checks/{mobile}/` says which. Also send the `access_token` of the "
    "callback: part of each number's SMS is reserved for clients that have one."
)

OPERATIONS: dict[type[View], Mapping[str, Callable[[Any], Any]]] = {
    WaysView: {
        "get": _operation(
            "ways",
            "The ways to sign in that work in this browser, the best first. `elsewhere` has those that need another.",
            {200: Ways},
            [],
        )
    },
    AuthorizationView: {
        "get": _operation(
            "authorization",
            "The address where the browser goes to sign in, and the flow cookie. `state` is an older name of `next`.",
            {200: LoginUrl},
            [OriginNotAllowed, NextNotAllowed, ProviderUnknown],
            [PROVIDER, serializers.Authorization],
        )
    },
    OAuthUserView: {
        "get": _operation(
            "callback",
            "The result of the provider's callback. A person who is already bound is signed in. Any other person gets "
            "a binding token, the `access_token`, and its cookie.",
            {200: EITHER},
            [
                StateInvalid,
                CodeInvalid,
                SignInCancelled,
                SnapshotUser,
                NextNotAllowed,
                AccountDisabled,
                ProviderUnknown,
                ProviderUnavailable,
                StorageUnavailable,
            ],
            [PROVIDER, serializers.Callback],
        ),
        "post": _operation(
            "bind",
            "Bind the identity to the account with this mobile number. If there is none, the account is created. A "
            "repeated request gets the same answer. A `mobile_proof` replaces the `sms_code`; then a new account needs "
            "no `password`.",
            {201: SignedIn},
            [
                OriginNotAllowed,
                TicketInvalid,
                SmsCodeInvalid,
                MobileProofInvalid,
                MobileProofTooWeak,
                PasswordWrong,
                AlreadyBound,
                AccountDisabled,
                ProviderUnknown,
                TooManyAttempts,
                StorageUnavailable,
                ServerBusy,
            ],
            [PROVIDER],
            BindForm,
        ),
    },
    NativeView: {
        "post": _operation(
            "native",
            "The callback of apps and mini programs. Send the `code` or the `token` that the provider's SDK returned, "
            "and the `nonce` if the app made one. No cookie is set or read: anyone who has the `access_token` can use "
            "it, for one bind.",
            {200: NATIVE},
            [
                OriginNotAllowed,
                CodeInvalid,
                SnapshotUser,
                AccountDisabled,
                ProviderUnknown,
                TooManyRequests,
                TooManyAttempts,
                ProviderUnavailable,
                StorageUnavailable,
            ],
            [PROVIDER],
            serializers.Native,
        )
    },
    ImageCodeView: {
        "get": _operation(
            "image_code",
            "A new image for this id. The image before it becomes invalid.",
            {(200, MEDIA_TYPE): OpenApiTypes.BINARY},
            [OriginNotAllowed, TooManyRequests, StorageUnavailable, ServerBusy],
            [IMAGE_CODE_ID],
        )
    },
    HumanCheckView: {
        "get": _operation(
            "human_check",
            "What an SMS to this mobile number requires now. Send the answer to `human_check` with the SMS request.",
            {200: HumanCheck},
            [OriginNotAllowed, TooManyRequests, SmsQuota, StorageUnavailable, ServerBusy],
            [MOBILE, HumanCheckQuery],
        )
    },
    SmsCodeView: {
        "get": _operation("sms_code", _SMS_DESCRIPTION, {200: Sent}, SMS, [MOBILE, SmsCodeForm]),
        "post": _operation("sms_code_post", _SMS_DESCRIPTION, {200: Sent}, SMS, [MOBILE], SmsCodeForm),
    },
    MobileProofView: {
        "post": _operation(
            "mobile_proof",
            "Exchange what a carrier's one-tap sign-in, or WeChat's phone button, gave the app. The result is a proof "
            "that the bind accepts in place of an SMS code. `token` is used up, right or wrong: after a failure, use "
            "an SMS code.",
            {200: Proved},
            [
                OriginNotAllowed,
                TicketInvalid,
                MobileProofInvalid,
                MobileProofUnavailable,
                TooManyRequests,
                StorageUnavailable,
            ],
            request=serializers.MobileProof,
        )
    },
    SmsReceiptView: {
        "get": _operation(
            "sms_receipt",
            "What the carrier reports of an SMS of the last ten minutes. If the vendor has reported nothing for 20 "
            "seconds, it is asked.",
            {200: Receipt},
            [OriginNotAllowed, ReceiptUnknown, TooManyRequests, StorageUnavailable],
            [RECEIPT],
        )
    },
    # Each vendor has its own contract, and the path contains a secret.
    VendorReceiptView: {"post": extend_schema(exclude=True)},
    PasswordView: {
        "post": _operation(
            "password",
            "Sign in by password. `username` may be the mobile.",
            {200: Account},
            [OriginNotAllowed, CredentialsInvalid, AccountDisabled, TooManyAttempts, StorageUnavailable, ServerBusy],
            request=serializers.Credentials,
        )
    },
    RefreshView: {
        "post": _operation(
            "refresh",
            "A new pair of tokens for a refresh token.",
            {200: Pair},
            [OriginNotAllowed, TokenInvalid, AccountDisabled, StorageUnavailable],
            request=serializers.Refresh,
        )
    },
}


def add(operations: Mapping[type[View], Mapping[str, Callable[[Any], Any]]], more: Mapping[str, More]) -> None:
    """Register the operations of another app, and its additions to ours."""
    OPERATIONS.update(operations)
    MORE.update(more)


class Contract(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """Describes our views, and views that a host derives from them."""

    target_class = View
    match_subclasses = True

    def view_replacement(self) -> type[View]:
        known: Mapping[str, Any] = next((OPERATIONS[kind] for kind in self.target.__mro__ if kind in OPERATIONS), {})
        return extend_schema_view(**known)(type(self.target.__name__, (self.target,), {}))


class Name(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Gives our components the prefix ``Phonebind``, so that no name is that of a component of the host."""

    target_class = serializers.Shape
    match_subclasses = True

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        return f"Phonebind{type(self.target).__name__}"

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        return auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
