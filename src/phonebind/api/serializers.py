"""The shape of what comes in. Nothing here asks the store, the database or a provider."""

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
    """For all requests in a language: a serializer copies all its fields when it is made, which is most of its work.

    It keeps nothing of what it validates; but what its validators say they keep as it was said first, and not safely
    where two threads make them say it for the first time.
    """
    made = shape()
    for field in made.fields.values():
        for validator in field.validators:
            str(getattr(validator, "message", ""))
    return made


class MobileField(serializers.RegexField):
    """As people paste it; from here on in one spelling, or a number would have several quotas."""

    def __init__(self, **kwargs: Any) -> None:
        # Not trimmed: of white space, only what keyboards and address books write is dropped.
        super().__init__(re.compile(mobiles.MOBILE_PATTERN), trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        number = mobiles.clean(super().to_internal_value(data))
        if not mobiles.is_mobile(number):
            raise serializers.ValidationError(str(mobiles.what_is_wrong(number)), code="invalid")
        return number


class CodeField(serializers.CharField):
    """What was read off an SMS or an image, and typed or pasted."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=16, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return mobiles.clean_code(super().to_internal_value(data))


class Authorization(Shape):
    """``state`` is what front ends of old call ``next``."""

    next = serializers.CharField(trim_whitespace=False, allow_blank=True, required=False)
    state = serializers.CharField(trim_whitespace=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"next": attrs.get("next", attrs["state"])}


class Callback(Shape):
    """``error`` is what comes in place of ``code`` when the provider refused. Neither of them is a cancel: QQ's page
    for phones sends ``usercancel=1`` and the state, older ones the state alone.
    """

    #: Some providers of OpenID Connect write all they know of the sign-in into it.
    code = serializers.CharField(max_length=2048, required=False)
    error = serializers.CharField(max_length=64, required=False)
    usercancel = serializers.CharField(max_length=16, required=False)
    state = serializers.CharField(max_length=4096, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs["state"] or attrs.keys() & {"code", "error", "usercancel"}):
            raise serializers.ValidationError({"code": [self.fields["code"].error_messages["required"]]})
        return attrs


class Native(Shape):
    """Whichever of ``code`` and ``token`` the provider's SDK gives; ``nonce`` as the app made it for Apple."""

    code = serializers.CharField(max_length=512, allow_blank=True, default="")
    token = serializers.CharField(max_length=8192, allow_blank=True, default="")
    nonce = serializers.CharField(max_length=256, allow_blank=True, default="")


class HumanCheckRequest(Shape):
    mobile = MobileField()
    #: For people who cannot see an image.
    without_image = serializers.BooleanField(default=False)

    def to_internal_value(self, data: Any) -> Any:
        """An empty field of a front end's form is one that nothing was asked for in."""
        return super().to_internal_value({name: value for name, value in data.items() if value not in ("", None)})


class SmsRequest(HumanCheckRequest):
    """What it takes to have an SMS sent, whatever that is for."""

    image_code_id = serializers.UUIDField(required=False)
    text = CodeField(required=False)
    human_check = serializers.CharField(max_length=8192, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The image where one is asked for; and its id in one spelling."""
        if human.needs_image(without_image=attrs["without_image"]):
            required = self.fields["text"].error_messages["required"]
            missing = {name: [required] for name in ("image_code_id", "text") if name not in attrs}
            if missing:
                raise serializers.ValidationError(missing)
        if "image_code_id" in attrs:
            attrs["image_code_id"] = str(attrs["image_code_id"])
        return attrs


class SmsCodeRequest(SmsRequest):
    #: The bind ticket of who holds one: part of each mobile's SMS is kept for them.
    access_token = serializers.CharField(max_length=4096, default="")
    #: What the code is to be good for: "bind"; and where ``phonebind.lifecycle`` is installed, "sign_in".
    purpose = serializers.CharField(max_length=32, default="bind")
    #: Of an earlier answer to the same person, so that they can use the code of either.
    flow = serializers.CharField(max_length=512, default="")


class Bind(Shape):
    mobile = MobileField()
    #: A new one has 8 to 20 characters; that of an account may be older than this rule.
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    sms_code = CodeField()
    access_token = serializers.CharField(max_length=4096)
    #: With ``SECOND_IDENTITY``: what becomes of the other one that the account has.
    second_identity = serializers.CharField(max_length=16, allow_blank=True, default="")


class BindKnown(Bind):
    """With ``KNOWN_MOBILE`` an account that exists may need no password; a new one does."""

    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, allow_blank=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return attrs | {"password": attrs["password"] or None}


class BindByProof(Shape):
    """``mobile`` is there to be compared; without a ``password`` a new account has none."""

    mobile_proof = serializers.CharField(max_length=1024)
    mobile = MobileField(default="")
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, default=None)
    access_token = serializers.CharField(max_length=4096)
    second_identity = serializers.CharField(max_length=16, default="")

    def to_internal_value(self, data: Any) -> Any:
        """An empty field of a front end's form is one that was left out."""
        return super().to_internal_value({name: value for name, value in data.items() if value not in ("", None)})


class MobileProof(Shape):
    """``token``: what the SDK was given, or the code of WeChat's button. ``carrier``: what the SDK calls it."""

    source = serializers.CharField(max_length=32)  # type: ignore[assignment]  # a Field's own, which it does not hide
    token = serializers.CharField(max_length=4096)
    carrier = serializers.CharField(max_length=16, allow_blank=True, default="")
    access_token = serializers.CharField(max_length=4096)


class Credentials(Shape):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class Refresh(Shape):
    refresh = serializers.CharField(max_length=8192)


def image_code_id(value: str) -> str:
    """In one spelling. Raises Invalid."""
    try:
        return str(UUID(value))
    except ValueError:
        raise Invalid({"image_code_id": [_("Enter a UUID.")]}) from None
