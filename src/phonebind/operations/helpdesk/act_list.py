"""The list of acts, with the permission, form and texts of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from phonebind.exceptions import Text
from phonebind.lifecycle.exceptions import NotFound
from phonebind.operations.helpdesk import act_forms, operator_acts, people
from phonebind.operations.helpdesk.in_force import Counted
from phonebind.operations.helpdesk.operator_acts import Order

APP = "phonebind_operations"


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``do`` gets the cleaned data of the form. It raises the same errors as ``operator_acts``."""

    permission: str
    title: Text
    consequence: Text
    done: Text
    form: type[act_forms.ReasonForm]
    do: Callable[[Order, Mapping[str, Any]], str]
    #: What the act changes, in words, by the cleaned data of the form. "" if it does not exist.
    about: Callable[[Any, Mapping[str, Any]], str] = lambda user, _given: people.shown_name(user)

    def is_allowed(self, operator: Any) -> bool:
        """Whether the operator has the permission for this act."""
        return bool(operator.has_perm(f"{APP}.{self.permission}"))


def _lift(order: Order, given: Mapping[str, Any]) -> str:
    chosen = _limit(order.user, given)
    if chosen is None:
        raise NotFound
    return operator_acts.lift(order, chosen)


def _limit(user: Any, given: Mapping[str, Any]) -> Counted | None:
    """The limit that the form names. Searched only among the limits of this person: the form's value is never used
    as a key of the store.
    """
    counted = people.limits(user, people.identities(user))
    return next((each for each in counted or () if each.key == given.get("limit")), None)


def _limit_name(user: Any, given: Mapping[str, Any]) -> str:
    chosen = _limit(user, given)
    return f"{chosen.name} ({chosen.whom})" if chosen else ""


def _identity_name(user: Any, given: Mapping[str, Any]) -> str:
    rows = (row for row in people.identities(user) if str(row.pk) == str(given.get("identity")))
    return next((f"{row.provider} {row.nickname}".strip() for row in rows), "")


ACTS: Mapping[str, Act] = {
    "end-sessions": Act(
        "end_sessions",
        _("End all sessions"),
        _("The person is signed out on every device, and can sign in again as usual."),
        _("All sessions have ended."),
        act_forms.ReasonForm,
        lambda order, _given: operator_acts.end_sessions(order),
    ),
    "unbind": Act(
        "unbind_identity",
        _("Unbind an identity"),
        _("This identity can no longer sign in to the account, in any of your apps at this provider."),
        _("The identity is unbound."),
        act_forms.UnbindForm,
        lambda order, given: operator_acts.unbind(order, given["identity"], force=given.get("force", False)),
        _identity_name,
    ),
    "lift": Act(
        "lift_limit",
        _("Lift a limit"),
        _("The count is reset. The person can use the whole limit again."),
        _("The limit is lifted."),
        act_forms.LiftForm,
        _lift,
        _limit_name,
    ),
    "release": Act(
        "release_number",
        _("Release the number"),
        _(
            "The account keeps its other ways to sign in. The next person who proves this number may get their own "
            "account."
        ),
        _("The number is released."),
        act_forms.ReleaseForm,
        lambda order, given: operator_acts.release(order, given["why"], end_sessions=given["end_sessions"]),
    ),
}


def form_of(act: Act, operator: Any) -> type[act_forms.ReasonForm]:
    """The form class for this operator."""
    may_force = operator.has_perm(f"{APP}.unbind_last_identity")
    return act_forms.ForceForm if act.form is act_forms.UnbindForm and may_force else act.form
