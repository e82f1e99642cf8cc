"""The forms of the bind page. One form on the page has two acts: to ask for an SMS code, and to bind."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from phonebind import human, mobiles
from phonebind.accounts import PASSWORD_MAX, PASSWORD_MESSAGE
from phonebind.conf import conf

_MOBILE = _("Enter a mobile number of 11 digits.")
_SMS_CODE = _("Enter the 6 digits of the SMS code.")
_IMAGE_CODE = _("Enter the characters in the image.")
_AGREE = _("Please agree to this first.")
_AGAIN = _("Please ask for another image.")


class _Blank(forms.TextInput):
    """An input that is always rendered empty: an image code can be used only once."""

    def format_value(self, value: Any) -> None:
        return None

    def use_required_attribute(self, initial: Any) -> bool:
        # Only the SMS act needs an image code. With ``required`` the browser would block the other act.
        return False


class MobileField(forms.CharField):
    """A mobile number of 11 digits, in any common notation, such as ``+86 138-0000-0001``."""

    #: Shown in the field, before the typed value.
    prefix = "+86"

    def __init__(self) -> None:
        # The autocomplete value "tel" would include the country code. Browsers on phones have no better value.
        attrs = {"type": "tel", "inputmode": "tel", "autocomplete": "tel-national", "placeholder": "138 0013 8000"}
        widget = forms.TextInput(attrs=attrs)
        super().__init__(label=_("Mobile number"), error_messages={"required": _MOBILE}, widget=widget)

    def to_python(self, value: Any) -> str:
        return mobiles.clean(super().to_python(value) or "")

    def validate(self, value: Any) -> None:
        super().validate(value)
        if not mobiles.is_mobile(value):
            raise forms.ValidationError(str(mobiles.what_is_wrong(value)))


class ImageTextField(forms.CharField):
    """The text of an image code. Surrounding characters from a paste are removed."""

    def to_python(self, value: Any) -> str:
        return mobiles.clean_code(super().to_python(value) or "")


class DigitsField(forms.RegexField, ImageTextField):
    """The six digits of an SMS code."""


class BindPageForm(forms.Form):
    mobile = MobileField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # Always set, not only on errors: so the script only has to write the text.
            hint = f" id_{name}_helptext" if field.help_text else ""
            field.widget.attrs["aria-describedby"] = f"id_{name}_error{hint}"


class HumanCheckForm(BindPageForm):
    #: For people who cannot see an image.
    without_image = forms.BooleanField(required=False, widget=forms.HiddenInput)


class SmsCodeForm(HumanCheckForm):
    image_code_id = forms.UUIDField(required=False, error_messages={"required": _AGAIN, "invalid": _AGAIN})
    text = ImageTextField(
        label=_("Characters in the image"),
        help_text=_("Hard to read? Tap the image for another."),
        max_length=16,
        required=False,
        error_messages={"required": _IMAGE_CODE, "max_length": _IMAGE_CODE},
        widget=_Blank(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "placeholder": _("all 4"),
            }
        ),
    )
    human_check = forms.CharField(max_length=8192, required=False)

    def clean(self) -> None:
        """Require the image code if the human check is an image."""
        if human.needs_image(without_image=self.cleaned_data["without_image"]):
            for name in ("image_code_id", "text"):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, self.fields[name].error_messages["required"])


class ReceiptForm(BindPageForm):
    #: The id that the response to the last SMS request contained.
    receipt = forms.CharField(max_length=32, required=False)


class ConsentForm(BindPageForm):
    """One box for each text. Accepting terms is a contract, and agreeing to a policy is a consent. One does not
    replace the other. No box is ticked beforehand.
    """

    terms = forms.BooleanField(error_messages={"required": _AGREE})
    privacy = forms.BooleanField(error_messages={"required": _AGREE})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, url in {"terms": conf.terms_url, "privacy": conf.privacy_url}.items():
            if not url:
                del self.fields[name]


class ProvedForm(ConsentForm):
    """Proves the mobile number: with an SMS code, or with a proof that the page already has."""

    sms_code = DigitsField(
        r"\A[0-9]{6}\Z",
        label=_("SMS code"),
        error_messages={"required": _SMS_CODE, "invalid": _SMS_CODE},
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "placeholder": _("6 digits")}
        ),
    )
    mobile_proof = forms.CharField(max_length=4096, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.data.get("mobile_proof"):
            self.fields["sms_code"].required = False


class BindForm(ProvedForm):
    """All fields of a bind."""

    # A pattern instead of max_length: max_length writes a maxlength into the page, and the browser then cuts a password
    # that a password manager pastes. The length of a new password is checked where it is known to be new.
    password = forms.RegexField(
        rf"(?s)\A.{{1,{PASSWORD_MAX}}}\Z",
        label=_("Password"),
        strip=False,
        error_messages={"required": PASSWORD_MESSAGE, "invalid": PASSWORD_MESSAGE},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
