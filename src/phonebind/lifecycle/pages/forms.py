"""The forms of the account pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from phonebind.accounts import PASSWORD_MAX, PASSWORD_MESSAGE
from phonebind.pages.forms import BindForm, BindPageForm, HumanCheckForm, ReceiptForm, SmsCodeForm


class OwnForm(BindPageForm):
    """A form without a number: the page knows the account's number."""

    mobile = None  # type: ignore[assignment]  # as Django takes a field away


class OwnHumanCheckForm(HumanCheckForm):
    mobile = None  # type: ignore[assignment]


class OwnSmsCodeForm(SmsCodeForm):
    mobile = None  # type: ignore[assignment]


class OwnReceiptForm(ReceiptForm):
    mobile = None  # type: ignore[assignment]


class OwnCodeForm(OwnForm):
    sms_code = BindForm.base_fields["sms_code"]


class MobileForm(BindPageForm):
    """A new number, and its code."""

    sms_code = BindForm.base_fields["sms_code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mobile"].label = _("New mobile number")


def _password(label: Any, autocomplete: str, **more: Any) -> forms.RegexField:
    """A password field with the same rules as on the bind page."""
    return forms.RegexField(
        rf"(?s)\A.{{1,{PASSWORD_MAX}}}\Z",
        label=label,
        strip=False,
        error_messages={"required": _("Enter the password."), "invalid": PASSWORD_MESSAGE},
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **more,
    )


class OwnPasswordForm(OwnForm):
    """The current password."""

    password = _password(_("Password"), "current-password")


class NewPasswordForm(OwnForm):
    password = _password(_("New password"), "new-password", help_text=_("8 to 20 characters."))


class ChangePasswordForm(OwnForm):
    old_password = _password(_("Current password"), "current-password")
    password = _password(_("New password"), "new-password", help_text=_("8 to 20 characters."))


class UnbindForm(OwnForm):
    everywhere = forms.BooleanField(label=_("Also sign out on all other devices"), required=False)
