"""The shape of what comes in about one's own account."""

from rest_framework import serializers

from phonebind.accounts import PASSWORD_MAX
from phonebind.api.serializers import CodeField, MobileField, Shape


class Password(Shape):
    """Without ``old_password`` another way of step-up has to do."""

    old_password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, default=None)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class Mobile(Shape):
    """The new one, and the code that was sent to it."""

    mobile = MobileField()
    sms_code = CodeField()
