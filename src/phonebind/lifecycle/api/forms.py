"""The shape of requests about the person's own account."""

from rest_framework import serializers

from phonebind.accounts import PASSWORD_MAX
from phonebind.api.serializers import CodeField, MobileField, Shape


class Password(Shape):
    """Without ``old_password`` the person needs another method of step-up."""

    old_password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False, default=None)
    password = serializers.CharField(max_length=PASSWORD_MAX, trim_whitespace=False)


class Mobile(Shape):
    """The new mobile, and the code that was sent to it."""

    mobile = MobileField()
    sms_code = CodeField()
