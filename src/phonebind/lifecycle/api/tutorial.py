"""The other endpoints of the course, as its pages call them: registration, a forgotten password, the user centre.

They are served only if ``FRONT_END`` is "tutorial", and in its dialect. The pages send no cookies.
"""

from typing import Any, ClassVar

from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import accounts, human, limits, masking
from phonebind.api import dialects
from phonebind.api.base import View
from phonebind.conf import conf
from phonebind.lifecycle import tutorial
from phonebind.lifecycle.api import account, ownership, ways
from phonebind.lifecycle.api import tutorial_forms as forms
from phonebind.lifecycle.api.base import AccountView
from phonebind.lifecycle.exceptions import NotFound


def routes() -> list[URLPattern]:
    """No routes for another ``FRONT_END``."""
    if conf.front_end != "tutorial":
        return []
    return [
        _path("users/", ways.UsersView, "users"),
        _path("ownership/", ownership.OwnershipView, "ownership"),
        _path("usernames/<str:username>/count/", UsernameCountView, "username_count"),
        _path("mobiles/<str:mobile>/count/", MobileCountView, "mobile_count"),
        _path("accounts/<str:account>/sms/token/", SmsTokenView, "sms_token"),
        _path("sms_codes/", SmsCodeView, "reset_code"),
        _path("accounts/<str:account>/password/token/", PasswordTokenView, "password_token"),
        _path("users/<str:pk>/password/", PasswordView, "reset_password"),
        _path("user/<str:pk>/password/", PasswordView, "reset_password"),
        _path("user/", UserView, "user"),
    ]


def _path(route: str, view: type[View], name: str) -> URLPattern:
    return path(route, dialects.spoken(view), name=name)


class UsernameCountView(View):
    actions: ClassVar = {"GET": "account_count"}
    guarded = ("GET",)

    def get(self, request: Request, username: str) -> Response:
        count = tutorial.count_of_username(username, limits.client_address(request._request))
        self.note(outcome="counted")
        return Response({"username": username, "count": count})


class MobileCountView(View):
    actions: ClassVar = {"GET": "account_count"}
    guarded = ("GET",)

    def get(self, request: Request, mobile: str) -> Response:
        self.note(mobile=mobile)
        number = forms.Mobile.read({"mobile": mobile})["mobile"]
        count = tutorial.count_of_mobile(number, limits.client_address(request._request))
        self.note(outcome="counted")
        return Response({"mobile": mobile, "count": count})


class SmsTokenView(View):
    actions: ClassVar = {"GET": "reset_account"}
    guarded = ("GET",)

    def get(self, request: Request, account: str) -> Response:
        self.note(mobile=account)
        answers = human.Answers(**forms.Image.read(request.query_params.dict()))
        address = limits.client_address(request._request)
        self.note(human=str(human.verify(account, address, answers)))
        mobile, token = tutorial.begin(account, address)
        self.note(outcome="started")
        return Response({"mobile": masking.mobile(mobile), "access_token": token})


class SmsCodeView(View):
    actions: ClassVar = {"GET": "reset_code"}
    guarded = ("GET",)

    def get(self, request: Request) -> Response:
        form = forms.Token.read(request.query_params.dict())
        sent = tutorial.send(form["access_token"], limits.client_address(request._request))
        self.note(outcome="sent")
        return Response(sent.body)


class PasswordTokenView(View):
    """A GET that uses up the code, because the pages ask for it with GET."""

    actions: ClassVar = {"GET": "reset_proof"}
    guarded = ("GET",)

    def get(self, request: Request, account: str) -> Response:
        self.note(mobile=account)
        form = forms.SmsCode.read(request.query_params.dict())
        address = limits.client_address(request._request)
        user, token = tutorial.exchange(account, form["sms_code"], address)
        self.note(outcome="proved", user_id=user.pk)
        return Response({"user_id": _id(user), "access_token": token})


class PasswordView(account.PasswordView):
    """POST resets a forgotten password. PUT changes the password of a signed-in person who knows it."""

    actions: ClassVar = {"POST": "reset_password", "PUT": "own_password"}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A person who has forgotten the password is not signed in.
        base: Any = super(AccountView, self) if request.method == "POST" else super()
        base.initial(request, *args, **kwargs)

    def put(self, request: Request, pk: str = "") -> Response:
        """The pages keep their token, which is no longer good. The answer brings a new one."""
        if pk != str(self.person.user.pk):
            raise NotFound
        forms.Password.read(request.data)
        return super().put(request)

    def post(self, request: Request, pk: str) -> Response:
        form = forms.NewPassword.read(request.data)
        user = tutorial.set_password(request._request, pk, form["access_token"], form["password"])
        self.note(outcome="password_set", user_id=user.pk)
        return Response({"message": "OK", "id": _id(user)})


class UserView(AccountView):
    actions: ClassVar = {"GET": "user"}
    #: The pages go to the sign-in page on these.
    plain_statuses = (401,)

    def get(self, request: Request) -> Response:
        user = self.person.user
        shown = {name: getattr(user, name) for name in conf.legacy_user_fields}
        self.note(outcome="shown")
        mobile = masking.mobile(accounts.mobile_of(user))
        return Response({"id": _id(user), "username": accounts.name_of(user), "mobile": mobile, **shown})


def _id(user: Any) -> Any:
    return user.pk if isinstance(user.pk, int) else str(user.pk)
