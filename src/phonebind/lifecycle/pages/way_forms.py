"""What the pages of the ways in take."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from phonebind.accounts import PASSWORD_MAX, PASSWORD_MESSAGE
from phonebind.pages.forms import BindPageForm, ConsentForm, ProvedForm

_NAME = _("Enter your username or mobile number.")
_PASSWORD = _("Enter your password.")


class EnterForm(ConsentForm):
    """The boxes are ticked on the screen that somebody new sees, once the number is proved, and nobody else."""

    sms_code = ProvedForm.declared_fields["sms_code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.boxes:
            self.fields[name].required = self.data.get("action") == "register"

    @property
    def boxes(self) -> list[str]:
        """The names of those that this site has."""
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
    # A pattern, since a maxlength would cut what a password manager pastes. Its length is told to who has the code.
    password = forms.RegexField(
        rf"(?s)\A.{{1,{PASSWORD_MAX}}}\Z",
        label=_("New password"),
        help_text=_("8 to 20 characters."),
        strip=False,
        error_messages={"required": PASSWORD_MESSAGE, "invalid": PASSWORD_MESSAGE},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
