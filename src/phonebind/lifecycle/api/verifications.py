"""Step-up: send the SMS that a signed-in person asks for, and give a proof for what they show."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import human, states
from phonebind.conf import conf
from phonebind.lifecycle import step_up, verifications
from phonebind.lifecycle.api import identity_forms as forms
from phonebind.lifecycle.api.base import AccountView


class SmsCodeView(AccountView):
    actions: ClassVar = {"GET": "sms_code"}
    #: The GET sends an SMS.
    guarded = ("GET",)

    def get(self, request: Request) -> Response:
        form = forms.AccountSmsCodeRequest.read(request.query_params.dict())
        purpose, mobile = form.pop("purpose"), form.pop("mobile", "")
        if purpose == "verify":
            mobile = verifications.own_mobile(self.person)
        self.note(mobile=mobile)
        answers = human.Answers(**form)
        return Response(verifications.send_code(request._request, self.person, purpose, mobile, answers).body)


class VerificationsView(AccountView):
    actions: ClassVar = {"POST": "verification"}

    def post(self, request: Request) -> Response:
        form = forms.Verification.read(request.data)
        person, http, used = self.person, request._request, None
        # This comes before an attempt is counted or a code is used up.
        person.need_session()
        if "sms_code" in form:
            proof = verifications.by_sms(http, person, form["sms_code"])
        elif "password" in form:
            proof = verifications.by_password(http, person, form["password"])
        else:
            self.note(provider=form["provider"])
            proof, used = verifications.by_provider(http, person, **form)
        self.note(outcome="proved")
        methods = step_up.available(person)
        body = {"verification": proof, "methods": methods, "expires_in": conf.step_up_max_age}
        response = Response(body, status=201)
        if used:
            states.forget(http, response, used)
        return response
