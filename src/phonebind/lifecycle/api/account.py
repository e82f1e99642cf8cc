"""The person's own account: what it has, its password, its mobile."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import accounts, limits, masking
from phonebind.lifecycle import numbers, passwords, people, step_up, verifications
from phonebind.lifecycle.api import base, forms
from phonebind.lifecycle.exceptions import AuthenticationInsufficient
from phonebind.lifecycle.models import MobileChange


class _View(base.AccountView):
    """A change of mobile that is due is carried out before the request is answered."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if numbers.carry_out(self.person.user.pk, self.person.sid) == "changed":
            self.person = people.of(request)


class AccountView(_View):
    actions: ClassVar = {"GET": "account"}

    def get(self, request: Request) -> Response:
        user = self.person.user
        self.note(outcome="shown")
        pk = user.pk if isinstance(user.pk, int) else str(user.pk)
        return Response(
            {
                "id": pk,
                "username": accounts.name_of(user),
                "mobile": masking.mobile(accounts.mobile_of(user)),
                "has_password": accounts.has_password(user),
                "mobile_change": _shown(numbers.pending(user.pk)),
                "methods": list(step_up.available(self.person)),
            }
        )


class PasswordView(_View):
    actions: ClassVar = {"PUT": "own_password"}

    def put(self, request: Request) -> Response:
        """All sessions end and a new one begins. The step-up proofs of the old session do not count in the new one."""
        form = forms.Password.read(request.data)
        if form["old_password"] is None:
            self.require_step_up("sms", "provider")
        else:
            passwords.check(self.person, form["old_password"], limits.client_address(request._request))
        session = self.person.session()
        passwords.change(self.person, form["password"])
        self.note(outcome="changed")
        return self.signed_in(self.person.user, session.social_account if session else None, method="refresh")


class MobileView(_View):
    actions: ClassVar = {"PUT": "own_mobile", "DELETE": "own_mobile"}

    def put(self, request: Request) -> Response:
        form = forms.Mobile.read(request.data)
        self.note(mobile=form["mobile"])
        if form["mobile"] == accounts.mobile_of(self.person.user):
            # This is a double click: the first request succeeded, and it ended the step-up proof.
            self.note(outcome="changed")
            return Response({"mobile": masking.mobile(form["mobile"])})
        at_once = self._shows_old_mobile()
        mobile = verifications.new_mobile(request._request, self.person, form["mobile"], form["sms_code"])
        if at_once:
            numbers.change(self.person, mobile, request._request)
            self.note(outcome="changed")
            return Response({"mobile": masking.mobile(mobile.number)})
        waiting = numbers.request_change(self.person, mobile, request._request)
        self.note(outcome="pending")
        return Response({"pending": True, **(_shown(waiting) or {})}, status=202)

    def delete(self, request: Request) -> Response:
        """Every signed-in person may cancel a change; the way of their sign-in does not matter. No step-up is asked
        for.
        """
        numbers.cancel_change(self.person.user.pk)
        self.note(outcome="cancelled")
        return Response(status=204)

    def _shows_old_mobile(self) -> bool:
        """Whether the person has proved the old mobile, or the account has none. Raises AuthenticationInsufficient."""
        if not accounts.mobile_of(self.person.user):
            self.require_step_up("password", "provider")
            return True
        try:
            self.require_step_up("sms")
        except AuthenticationInsufficient:
            self.require_step_up()
            return False
        return True


def _shown(change: MobileChange | None) -> dict[str, Any] | None:
    return {"mobile": masking.mobile(change.mobile), "due_at": change.due_at} if change else None
