"""The shape of requests for step-up and identities."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from phonebind.accounts import PASSWORD_MAX
from phonebind.api.serializers import CodeField, MobileField, Shape, SmsRequest
from phonebind.lifecycle import verifications

ONE_WAY = _("Send exactly one of sms_code, password, and provider with code and state.")


class AccountSmsCodeRequest(SmsRequest):
    """``mobile`` is read only for a new number: the person's own number is known."""

    mobile = MobileField(required=False)
    purpose = serializers.ChoiceField(verifications.PURPOSES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if attrs["purpose"] == "change_mobile" and "mobile" not in attrs:
            raise serializers.ValidationError({"mobile": [self.fields["mobile"].error_messages["required"]]})
        return attrs


class Callback(Shape):
    provider = serializers.CharField(max_length=64)
    code = serializers.CharField(max_length=2048)
    state = serializers.CharField(max_length=4096)


class Verification(Shape):
    sms_code = CodeField(required=False)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, required=False)
    provider = serializers.CharField(max_length=64, required=False)
    code = serializers.CharField(max_length=2048, required=False)
    state = serializers.CharField(max_length=4096, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs.keys() & {"sms_code", "password", "provider"}) != 1:
            raise serializers.ValidationError({"verification": [ONE_WAY]})
        if "provider" in attrs:
            missing = [name for name in ("code", "state") if name not in attrs]
            if missing:
                required = self.fields["code"].error_messages["required"]
                raise serializers.ValidationError({name: [required] for name in missing})
        return attrs


class Unbinding(Shape):
    """``sessions``: "own" ends the sessions that began with the identity, "all" ends all but the current one."""

    sessions = serializers.ChoiceField(("own", "all"), default="own")
