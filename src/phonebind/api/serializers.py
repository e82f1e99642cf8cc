"""The shape of requests. Nothing here uses the store, the database or a provider."""

import functools
import re
from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from phonebind import human, mobiles
from phonebind.accounts import PASSWORD_MAX
from phonebind.exceptions import Invalid


class Shape(serializers.Serializer[Any]):
    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """The validated fields. Raises DRF's ValidationError."""
        return dict(_one(cls, get_language()).run_validation(data))


@functools.cache
def _one(shape: type[Shape], language: str | None) -> Shape:
    """One instance for all requests in a language. A new instance copies all its fields, which is most of its work.

    A serializer keeps nothing of the data that it validates. But its validators format their messages at the first use
    and keep them, and that is not thread-safe. So every message is formatted here, in the language of the instance.
    """
    made = shape()
    for field in made.fields.values():
        for validator in field.validators:
            str(getattr(validator, "message", ""))
    return made


class MobileField(serializers.RegexField):
    """A mobile number as people type or paste it. It returns one spelling, or one number would have several quotas."""

    def __init__(self, **kwargs: Any) -> None:
        # Not trimmed: only the white space that keyboards and address books write is removed.
        super().__init__(re.compile(mobiles.MOBILE_PATTERN), trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        number = mobiles.clean(super().to_internal_value(data))
        if not mobiles.is_mobile(number):
            raise serializers.ValidationError(str(mobiles.what_is_wrong(number)), code="invalid")
        return number


class CodeField(serializers.CharField):
    """A code that a person read from an SMS or an image, and typed or pasted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=16, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return mobiles.clean_code(super().to_internal_value(data))


class Authorization(Shape):
    """``state`` is the name of ``next`` in older front ends."""

    next = serializers.CharField(trim_whitespace=False, allow_blank=True, required=False)
    state = serializers.CharField(trim_whitespace=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"next": attrs.get("next", attrs["state"])}


class Callback(Shape):
    """``error`` comes in place of ``code`` when the provider refused.

    When neither comes, the person cancelled: QQ's page for phones sends ``usercancel=1`` and the state, and its older
    pages send only the state.
    """

    #: Some OpenID Connect providers write data of the sign-in into the code, so it is long.
    code = serializers.CharField(max_length=2048, required=False)
    error = serializers.CharField(max_length=64, required=False)
    usercancel = serializers.CharField(max_length=16, required=False)
    state = serializers.CharField(max_length=4096, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs["state"] or attrs.keys() & {"code", "error", "usercancel"}):
            raise serializers.ValidationError({"code": [self.fields["code"].error_messages["required"]]})
        return attrs


class Native(Shape):
    """``code`` or ``token``, whichever the provider's SDK gives. ``nonce`` is the one that the app made for Apple."""

    code = serializers.CharField(max_length=512, allow_blank=True, default="")
    token = serializers.CharField(max_length=8192, allow_blank=True, default="")
    nonce = serializers.CharField(max_length=256, allow_blank=True, default="")


class HumanCheckRequest(Shape):
    mobile = MobileField()
    #: For a person who cannot see an image.
    without_image = serializers.BooleanField(default=False)

    def to_internal_value(self, data: Any) -> Any:
        """Drop empty fields: a front end's form sends those that were not needed as empty."""
        return super().to_internal_value({name: value for name, value in data.items() if value not in ("", None)})


class SmsRequest(HumanCheckRequest):
    """What a request for an SMS must contain, for every purpose."""

    image_code_id = serializers.UUIDField(required=False)
    text = CodeField(required=False)
    human_check = serializers.CharField(max_length=8192, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require the image code where the settings ask for one, and write its id in one spelling."""
        if human.needs_image(without_image=attrs["without_image"]):
            required = self.fields["text"].error_messages["required"]
            missing = {name: [required] for name in ("image_code_id", "text") if name not in attrs}
            if missing:
                raise serializers.ValidationError(missing)
        if "image_code_id" in attrs:
            attrs["image_code_id"] = str(attrs["image_code_id"])
        return attrs


class SmsCodeRequest(SmsRequest):
    #: The binding token, if the caller has one. Part of each number's SMS is reserved for callers that have one.
    access_token = serializers.CharField(max_length=4096, default="")
    #: What the code will be used for: "bind", or "sign_in" where ``phonebind.lifecycle`` is installed.
    purpose = serializers.CharField(max_length=32, default="bind")
    #: The ``flow`` of an earlier answer to the same person. With it, they can use either code.
    flow = serializers.CharField(max_length=512, default="")


class Bind(Shape):
    mobile = MobileField()
    #: A new password has 8 to 20 characters. That of an existing account may be older than this rule.
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    sms_code = CodeField()
    access_token = serializers.CharField(max_length=4096)
    #: With ``SECOND_IDENTITY``: what to do with the other identity that the account has.
    second_identity = serializers.CharField(max_length=16, allow_blank=True, default="")


class BindKnown(Bind):
    """With ``KNOWN_MOBILE``, a bind to an existing account may need no password. A new account needs one."""

    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, allow_blank=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs | {"password": attrs["password"] or None}


class BindByProof(Shape):
    """``mobile`` is only compared with the proof. Without ``password``, a new account has no password."""

    mobile_proof = serializers.CharField(max_length=1024)
    mobile = MobileField(default="")
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, default=None)
    access_token = serializers.CharField(max_length=4096)
    second_identity = serializers.CharField(max_length=16, default="")

    def to_internal_value(self, data: Any) -> Any:
        """Drop empty fields: a front end's form sends those that were left out as empty."""
        return super().to_internal_value({name: value for name, value in data.items() if value not in ("", None)})


class MobileProof(Shape):
    """``token``: what the SDK returned, or the code of WeChat's button. ``carrier``: the SDK's name of the carrier."""

    source = serializers.CharField(max_length=32)  # type: ignore[assignment]  # it hides an attribute of Field
    token = serializers.CharField(max_length=4096)
    carrier = serializers.CharField(max_length=16, allow_blank=True, default="")
    access_token = serializers.CharField(max_length=4096)


class Credentials(Shape):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class Refresh(Shape):
    refresh = serializers.CharField(max_length=8192)


def image_code_id(value: str) -> str:
    """``value`` as a UUID in one spelling. Raises Invalid."""
    try:
        return str(UUID(value))
    except ValueError:
        raise Invalid({"image_code_id": [_("Enter a UUID.")]}) from None
