"""What the bind page takes. One form on the screen, two acts: asking for an SMS code, and binding."""

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
    """Comes back empty: an image code is used up by one try."""

    def format_value(self, value: Any) -> None:
        return None

    def use_required_attribute(self, initial: Any) -> bool:
        # Binding needs none, and the browser would hold the form back for want of one.
        return False


class MobileField(forms.CharField):
    """11 digits, however people and their phones write them: ``+86 138-0000-0001``."""

    #: Shown in the field, before what is typed.
    prefix = "+86"

    def __init__(self) -> None:
        # Not "tel", which is filled in with a country code; and a browser on a phone has no better name for it.
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
    """With whatever was pasted around it."""

    def to_python(self, value: Any) -> str:
        return mobiles.clean_code(super().to_python(value) or "")


class DigitsField(forms.RegexField, ImageTextField):
    """The six digits of an SMS code."""


class BindPageForm(forms.Form):
    mobile = MobileField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            # Always, not only on errors, so that the script has but to write the text there.
            hint = f" id_{name}_helptext" if field.help_text else ""
            field.widget.attrs["aria-describedby"] = f"id_{name}_error{hint}"


class HumanCheckForm(BindPageForm):
    #: People who cannot see an image.
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
                "placeholder": _("4 characters"),
            }
        ),
    )
    human_check = forms.CharField(max_length=8192, required=False)

    def clean(self) -> None:
        """The image where one is asked for."""
        if human.needs_image(without_image=self.cleaned_data["without_image"]):
            for name in ("image_code_id", "text"):
                if not self.cleaned_data.get(name) and name not in self.errors:
                    self.add_error(name, self.fields[name].error_messages["required"])


class ReceiptForm(BindPageForm):
    #: What the answer to the last SMS request has called it.
    receipt = forms.CharField(max_length=32, required=False)


class ConsentForm(BindPageForm):
    """One box for each text: accepting terms is a contract, agreeing to a policy is a consent, and neither stands for
    the other. None is ticked beforehand.
    """

    terms = forms.BooleanField(error_messages={"required": _AGREE})
    privacy = forms.BooleanField(error_messages={"required": _AGREE})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, url in {"terms": conf.terms_url, "privacy": conf.privacy_url}.items():
            if not url:
                del self.fields[name]


class ProvedForm(ConsentForm):
    """Whose the number is: by an SMS code, or by what the page knows already."""

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
    """All that a bind takes at once."""

    # A pattern, since max_length writes a maxlength into the page, which cuts what a password manager pastes. Whether
    # a new one has the right length is looked at where it is known to be one.
    password = forms.RegexField(
        rf"(?s)\A.{{1,{PASSWORD_MAX}}}\Z",
        label=_("Password"),
        strip=False,
        error_messages={"required": PASSWORD_MESSAGE, "invalid": PASSWORD_MESSAGE},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
