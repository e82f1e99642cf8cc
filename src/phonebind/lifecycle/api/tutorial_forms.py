"""The shape of the course's requests about accounts."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from phonebind import human
from phonebind.accounts import PASSWORD_MAX
from phonebind.api.serializers import CodeField, MobileField, Shape


class Mobile(Shape):
    mobile = MobileField()


class Image(Shape):
    """An image code, if one is asked for."""

    image_code_id = serializers.UUIDField(required=False)
    text = CodeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        if human.needs_image(without_image=False):
            required = self.fields["text"].error_messages["required"]
            missing = {name: [required] for name in ("image_code_id", "text") if name not in attrs}
            if missing:
                raise serializers.ValidationError(missing)
        return {name: str(value) for name, value in attrs.items()}


class Token(Shape):
    access_token = serializers.CharField(max_length=256)


class SmsCode(Shape):
    sms_code = CodeField()


class Password(Shape):
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    password2 = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["password"] != attrs["password2"]:
            raise serializers.ValidationError({"password2": [_("The two passwords differ.")]})
        return attrs


class NewPassword(Token, Password):
    pass
