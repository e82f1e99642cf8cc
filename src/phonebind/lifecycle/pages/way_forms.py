"""The forms of the pages for sign-in without a provider."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from phonebind.accounts import PASSWORD_MAX, PASSWORD_MESSAGE
from phonebind.pages.forms import BindPageForm, ConsentForm, ProvedForm

_NAME = _("Enter your username or mobile number.")
_PASSWORD = _("Enter your password.")


class EnterForm(ConsentForm):
    """Sign-in by SMS code. The consent boxes are required only on the page for a new person, after the number is
    proved.
    """

    sms_code = ProvedForm.declared_fields["sms_code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.boxes:
            self.fields[name].required = self.data.get("action") == "register"

    @property
    def boxes(self) -> list[str]:
        """The names of the boxes that this site has."""
        return [name for name in ("terms", "privacy") if name in self.fields]


class PasswordForm(BindPageForm):
    mobile = None  # type: ignore[assignment]  # a username will do
    username = forms.CharField(
        label=_("Username or mobile number"),
        strip=False,
        max_length=PASSWORD_MAX,
        error_messages={"required": _NAME, "max_length": _NAME},
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "autocapitalize": "none",
                "spellcheck": "false",
                "placeholder": _("xiaolan, or 138 0013 8000"),
            }
        ),
    )
    password = forms.RegexField(
        rf"(?s)\A.{{1,{PASSWORD_MAX}}}\Z",
        label=_("Password"),
        strip=False,
        error_messages={"required": _PASSWORD, "invalid": _PASSWORD},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ResetForm(BindPageForm):
    sms_code = ProvedForm.declared_fields["sms_code"]
    # A pattern instead of max_length: a maxlength would cut a password that a password manager pastes. The length is
    # checked after the SMS code.
    password = forms.RegexField(
        rf"(?s)\A.{{1,{PASSWORD_MAX}}}\Z",
        label=_("New password"),
        help_text=_("8 to 20 characters."),
        strip=False,
        error_messages={"required": PASSWORD_MESSAGE, "invalid": PASSWORD_MESSAGE},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
