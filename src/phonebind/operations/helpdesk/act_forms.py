"""The forms of an operator's acts. Each form asks for a reason."""

from django import forms
from django.utils.translation import gettext_lazy as _

REASON_LENGTH = 300


class ReasonForm(forms.Form):
    """A reason is required. White space alone is not a reason."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("It is kept with the event: a ticket's number, what the customer said."),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


class UnbindForm(ReasonForm):
    """The link to the form names the identity."""

    identity = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)


class ForceForm(UnbindForm):
    """For operators who may also unbind the last way to sign in."""

    force = forms.BooleanField(
        label=_("Unbind it even if it is the last way into the account"),
        help_text=_("The person cannot sign in again until you help them in another way."),
        required=False,
    )


class LiftForm(ReasonForm):
    """The link to the form names the limit."""

    limit = forms.CharField(widget=forms.HiddenInput, max_length=80)


class ReleaseForm(ReasonForm):
    """The same choices as the command ``phonebind_release_numbers``."""

    why = forms.ChoiceField(
        label=_("What happened to the number"),
        choices=[
            ("carrier", _("The carrier has taken the number back")),
            ("new_owner", _("Somebody else has the number now")),
        ],
    )
    end_sessions = forms.BooleanField(label=_("Sign the account out everywhere, too"), required=False)
