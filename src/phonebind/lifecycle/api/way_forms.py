"""The shape of requests to sign in without a provider."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from phonebind.accounts import PASSWORD_MAX
from phonebind.api.serializers import CodeField, MobileField, Shape, SmsRequest

UNLIKE = _("The two passwords differ.")
NOT_ALLOWED = _("Agree to the terms to register.")


class SmsSignIn(Shape):
    mobile = MobileField()
    sms_code = CodeField()
    flow = serializers.CharField(max_length=512)


class Registration(Shape):
    """The fields that the course's page sends. ``flow`` is there if the code was asked for with one."""

    username = serializers.CharField(max_length=150)
    mobile = MobileField()
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    password2 = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
    sms_code = CodeField()
    allow = serializers.BooleanField()
    flow = serializers.CharField(max_length=512, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["password"] != attrs["password2"]:
            raise serializers.ValidationError({"password2": [UNLIKE]})
        if not attrs["allow"]:
            raise serializers.ValidationError({"allow": [NOT_ALLOWED]})
        return attrs


class ResetRequest(SmsRequest):
    """The fields of a request for an SMS. The purpose of this SMS is fixed."""


class NewPassword(Shape):
    sms_code = CodeField()
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)
