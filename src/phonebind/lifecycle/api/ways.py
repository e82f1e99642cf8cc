"""Sign-in without a provider: by SMS, with a new account, with a new password."""

from collections.abc import Collection
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import accounts, browser, human, limits, sms_codes
from phonebind.api.base import View
from phonebind.lifecycle import flows, resets, ways
from phonebind.lifecycle.api import way_forms as forms


class SmsView(View):
    actions: ClassVar = {"POST": "sms_sign_in"}

    def post(self, request: Request) -> Response:
        form = forms.SmsSignIn.read(request.data)
        self.note(mobile=form["mobile"])
        user, created = ways.enter(request._request, form["mobile"], form["sms_code"], flows.read(form["flow"]))
        return self.signed_in(user, method="sms", created=created)


class UsersView(View):
    actions: ClassVar = {"POST": "sign_up"}

    def post(self, request: Request) -> Response:
        """Answers 201 with a new account, never with an existing one."""
        form = forms.Registration.read(request.data)
        self.note(mobile=form["mobile"])
        accounts.check_length(form["password"])
        user = ways.sign_up(request._request, self._proved(form), form["username"], form["password"])
        return self.signed_in(user, method="sms", status=201, mobile=form["mobile"])

    def _proved(self, form: dict[str, Any]) -> sms_codes.ByCode:
        """By a sign-in code with its flow; or by a code without a holder, from a page that does not name a purpose."""
        mobile, code, address = form["mobile"], form["sms_code"], limits.client_address(self.request._request)
        if form["flow"]:
            claimant = flows.read(form["flow"])
            return sms_codes.check(mobile, code, claimant=claimant, address=address, purpose=flows.PURPOSE)
        return sms_codes.check(mobile, code, claimant=f"registration:{form['username']}", address=address)


class ResetsView(View):
    actions: ClassVar = {"POST": "password_reset"}

    def post(self, request: Request) -> Response:
        """The answer is the same for every number."""
        form = forms.ResetRequest.read(request.data)
        mobile = form["mobile"]
        self.note(mobile=mobile)
        answers = {
            name: form[name] for name in ("image_code_id", "text", "human_check", "without_image") if name in form
        }
        answered, unbound = human.Answers(**answers), self.flow.unbound
        reset, sent, cookie = resets.start(request._request, mobile, answered, unbound=unbound)
        body = {"id": reset.id, "expires_in": sent.expires_in, "resend_after": sent.resend_after}
        response = Response(body, status=202)
        resets.remember(request._request, reset, cookie, response)
        return response


class ResetView(View):
    http_method_names = ("put",)  # type: ignore[assignment]
    actions: ClassVar = {"PUT": "password_reset"}
    guarded: ClassVar[Collection[str]] = ("PUT",)

    def put(self, request: Request, reset_id: str) -> Response:
        form = forms.NewPassword.read(request.data)
        accounts.check_length(form["password"])
        reset = resets.read(request._request, reset_id, unbound=self.flow.unbound)
        self.note(mobile=reset.mobile)
        user = resets.finish(request._request, reset, form["sms_code"], form["password"])
        response = self.signed_in(user, method="sms")
        if reset.digest:
            browser.drop(request._request, response, "reset", reset.digest)
        return response
