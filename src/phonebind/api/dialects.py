"""Dialects: other field names, statuses and addresses that existing front ends use in place of the contract.

The setting ``FRONT_END`` chooses one. A dialect is a base class in front of each of our views. The views do not know of
it. It renames the fields of a request to those of the contract, and gives the response the form that the front end
reads. The forms were counted in about fifty public front ends: see docs/en/how-to/front-ends.md.
"""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

from django import urls
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import QueryDict
from django.urls import URLPattern
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import accounts, origins, sessions
from phonebind.api import flows, landing
from phonebind.api.authorizations import PasswordView, RefreshView
from phonebind.api.base import View
from phonebind.api.codes import HumanCheckView, ImageCodeView, SmsCodeView
from phonebind.api.oauth import AuthorizationView, OAuthUserView
from phonebind.conf import conf
from phonebind.exceptions import HumanCheckUnavailable, MobileProofUnavailable, ServerBusy
from phonebind.models import SocialAccount

#: The views that :func:`path` can serve at another address, by name.
VIEWS: Mapping[str, type[View]] = {
    "authorization": AuthorizationView,
    "oauth_user": OAuthUserView,
    "image_code": ImageCodeView,
    "human_check": HumanCheckView,
    "sms_code": SmsCodeView,
    "password": PasswordView,
    "refresh": RefreshView,
}

#: Statuses of refusals after which the person can do something: correct the input, or wait a minute. An outage of our
#: server is not one of them.
ANSWERED = (400, 401, 403, 409, 429, 502)
ANSWERED_CODES = (ServerBusy.code, HumanCheckUnavailable.code, MobileProofUnavailable.code)

#: JavaScript's ``null`` and ``undefined``, as pages write them into an address.
NO_CODE = ("null", "undefined")
#: The cookie from which the pages of the session edition read the person's name.
GREETING = "username"

if TYPE_CHECKING:
    _Base = View
else:
    _Base = object


def _renamed(data: Any, names: Mapping[str, str]) -> Any:
    """``data`` with the contract's names beside those of the dialect. A field that is already there stays unchanged."""
    found = {new: old for old, new in names.items() if isinstance(data, Mapping) and old in data and new not in data}
    if not found:
        return data
    if not isinstance(data, QueryDict):
        return {**data, **{new: data[old] for new, old in found.items()}}
    # ``QueryDict.copy()`` also copies uploaded files, and some files cannot be copied. This copy is shallow.
    renamed = copy(data)
    for new, old in found.items():
        renamed.setlist(new, data.getlist(old))
    return renamed


def _cancelled(query: Any, no_code: Collection[str]) -> Any:
    """Turn a ``code`` that means "no code" into ``usercancel=1``, as for a person who cancelled.

    The provider is not asked about such a code.
    """
    if query.get("code") not in no_code:
        return query
    query = query.copy()
    del query["code"]
    query["usercancel"] = "1"
    return query


class Dialect(_Base):
    """The base class of dialects. It is the contract itself: it changes nothing."""

    #: Field names in requests and responses: from the dialect's name to the contract's.
    names: Mapping[str, str] = {}
    #: Values that pages send as ``code`` when their address had none.
    no_code: Collection[str] = ()

    @classmethod
    def routes(cls) -> list[URLPattern]:
        """Additional addresses. They come before those of the contract and may replace them."""
        return []

    def hold_to_bounds(self, request: Request) -> None:
        super().hold_to_bounds(request)
        request._request.GET = _cancelled(_renamed(request._request.GET, self.names), self.no_code)
        if request.method == "POST":
            request._full_data = _renamed(request.data, self.names)  # type: ignore[attr-defined]  # which `data` returns

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        # A receiver of sign_in_response may have replaced the response by one of the host's.
        if isinstance(response, Response) and isinstance(response.data, dict):
            self.translate(response, response.data)
            for name, contracts in self.names.items():
                if contracts in response.data:
                    response.data.setdefault(name, response.data[contracts])
        return response

    def translate(self, response: Response, body: dict[str, Any]) -> None:
        """Change ``response`` and ``body`` in place into the form of the dialect."""


class Tutorial(Dialect):
    """Static pages on another origin. They keep a JWT, send no cookies, and check only ``status == 400``."""

    flow = flows.LANDING
    no_code = NO_CODE
    names: Mapping[str, str] = {"openid": "access_token", "image_code": "text"}
    #: Other names of ``login_url`` in some of these front ends.
    url_names: ClassVar = ("oauth_url", "auth_url", "qq_login_url")

    @classmethod
    def routes(cls) -> list[URLPattern]:
        return [
            path("oauth/<str:provider>/authorization/", "authorization"),
            path("oauth/<str:provider>/user/", "oauth_user"),
            path("image_codes/<str:image_code_id>/", "image_code"),
            path("image_code/<str:image_code_id>/", "image_code"),
            path("sms_codes/<str:mobile>/", "sms_code"),
            path("sms_code/<str:mobile>/", "sms_code"),
            path("human_checks/<str:mobile>/", "human_check"),
            path("authorizations/", "password"),
        ]

    def translate(self, response: Response, body: dict[str, Any]) -> None:
        if response.status_code >= 400:
            if _is_answered(response.status_code, body) and response.status_code not in self.plain_statuses:
                response.status_code = 400
                body["non_field_errors"] = [body["message"]]
        elif "login_url" in body:
            body.update(dict.fromkeys(self.url_names, body["login_url"]))


class Session(Dialect):
    """Static pages that use Django's session cookie and read ``{"code", "errmsg"}``, where code 0 is success.

    Their callback, bind and SMS pages take every 200 for a success, whatever its code. So a refusal is a 400 there. The
    page of the sign-in by password reads the code.
    """

    flow = flows.STATELESS
    no_code = NO_CODE
    #: The callback is a GET that signs a browser in here. In other dialects it only returns a token to its page.
    guarded: ClassVar = ("GET", "POST")
    names: Mapping[str, str] = {"image_code": "text", "uuid": "image_code_id"}
    NOT_BOUND: ClassVar = 300
    REFUSED: ClassVar = 400

    @classmethod
    def routes(cls) -> list[URLPattern]:
        return [
            path("qq/authorization/", "authorization", provider="qq"),
            path("oauth_callback/", "oauth_user", provider="qq"),
            path("login/", "password"),
            path("image_codes/<str:image_code_id>/", "image_code"),
            path("sms_codes/<str:mobile>/", "sms_code"),
        ]

    def hold_to_bounds(self, request: Request) -> None:
        if request.method == "POST":
            origins.check_origin(request._request)
        super().hold_to_bounds(request)

    def credentials(
        self, user: AbstractBaseUser, social_account: SocialAccount | None, method: str
    ) -> Mapping[str, object]:
        request, form = self.request._request, cast("Mapping[str, Any]", self.request.data)
        sessions.start(request, user, method=method, social_account=social_account)
        ends = isinstance(self, PasswordView) and not _is_on(form.get("remembered"))
        # Set the expiry in both cases: a session that continues would keep the expiry of an earlier sign-in.
        request.session.set_expiry(0 if ends else None)
        return {}

    def greet(self, response: Response, user: AbstractBaseUser) -> None:
        session, name = self.request._request.session, quote(accounts.name_of(user), safe="@+/=")
        response.set_cookie(
            GREETING,
            max_age=None if session.get_expire_at_browser_close() else session.get_expiry_age(),
            samesite=conf.cookie_samesite,  # type: ignore[arg-type]
            secure=self.request.is_secure(),
        )
        # Python would write an e-mail address in quotes, and the pages would show the quotes.
        response.cookies[GREETING].set(GREETING, name, name)

    def translate(self, response: Response, body: dict[str, Any]) -> None:
        if response.status_code < 400:
            response.status_code = 200
            code, errmsg = self.NOT_BOUND if "access_token" in body else 0, "OK"
        else:
            code, errmsg = self.REFUSED, body["message"]
            body["error"] = body["code"]
            if _is_answered(response.status_code, body):
                response.status_code = 200 if isinstance(self, PasswordView) else 400
        body.update(code=code, errmsg=errmsg)


DIALECTS: Mapping[str, type[Dialect]] = {"contract": Dialect, "tutorial": Tutorial, "session": Session}


def _dialect() -> type[Dialect]:
    # A system check reports an unknown ``FRONT_END``. Do not raise here, or the check could not run.
    return DIALECTS.get(str(conf.front_end), Dialect)


def routes() -> list[URLPattern]:
    """The addresses that ``FRONT_END`` adds to the contract or serves in place of it."""
    own = _dialect().routes()
    return [*own, *_landings()] if own else []


def path(route: str, name: str, *, names: Mapping[str, str] | None = None, **fixed: str) -> URLPattern:
    """One more address for an endpoint, in the dialect of ``FRONT_END``. For ``urlpatterns``.

    ``name`` is one of ``VIEWS``. ``names`` maps field names of your front end to names of the contract, in requests and
    answers, in addition to those that the dialect knows. ``fixed`` are arguments that the route does not have::

        path("oauth/qq/statues/", "authorization", provider="qq")
        path("verifications/sms/<str:mobile>/", "sms_code", names={"codeId": "image_code_id"})
    """
    dialect = _dialect()
    return urls.path(route, _view(dialect, VIEWS[name], {**dialect.names, **(names or {})}), fixed)


def spoken(view: type[View]) -> Callable[..., Any]:
    """``view`` in the dialect of ``FRONT_END``, for a resource that is not part of the contract."""
    dialect = _dialect()
    return _view(dialect, view, dialect.names)


def _view(dialect: type[Dialect], view: type[View], names: Mapping[str, str]) -> Callable[..., Any]:
    # ``schema`` is None: an OpenAPI schema describes only the contract.
    made: Any = type(f"{dialect.__name__}{view.__name__}", (dialect, view), {"schema": None})
    shown: Callable[..., Any] = made.as_view(names=names)
    return shown


def _landings() -> list[URLPattern]:
    return [
        urls.path("oauth/<str:provider>/callback/", landing.relay, name="relay"),
        urls.path("oauth/<str:provider>/next/<str:target>/", landing.follow, name="follow"),
    ]


def _is_answered(status: int, body: Mapping[str, Any]) -> bool:
    return status in ANSWERED or body["code"] in ANSWERED_CODES


def _is_on(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "on", "1")
