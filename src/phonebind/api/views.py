"""The HTTP contract. A view checks the shape, tells the story in domain calls, and answers."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from phonebind import (
    accounts,
    audit,
    binding,
    bodies,
    human,
    image_codes,
    image_drawing,
    limits,
    oauth,
    origins,
    sms_codes,
    tickets,
    tokens,
)
from phonebind.api import errors, serializers
from phonebind.conf import conf
from phonebind.exceptions import Invalid
from phonebind.redirects import safe_next


class _OnlyJSON(BaseContentNegotiation):
    """We answer in JSON whatever is asked for: an <img> that meets an error, a browser's address bar."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        media_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


# The domain commits by itself, and must not be nested in a transaction per request.
@method_decorator([never_cache, sensitive_post_parameters(), transaction.non_atomic_requests], name="dispatch")
class View(APIView):
    """Whatever the host has set for its own API in REST_FRAMEWORK, the contract stays the same."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = _OnlyJSON
    versioning_class = None
    metadata_class = None
    #: Not HEAD, which Django takes for GET: that sends SMS here.
    http_method_names = ("get", "post")

    #: What the audit trail calls it, by method.
    actions: ClassVar[Mapping[str, str]] = {}
    #: The methods that no page of another site may make a browser use: they count, send or change something.
    guarded: ClassVar[Collection[str]] = ("POST",)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        bodies.read_as_utf8(request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        action = self.actions.get(str(request.method)) or next(iter(self.actions.values()))
        self.note(action=action, provider=kwargs.get("provider", ""))
        super().initial(request, *args, **kwargs)
        if request.method in self.allowed_methods:
            self._hold_to_bounds(request)

    def get_exception_handler(self) -> Any:
        return errors.handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        audit.write(request._request, response)
        return response

    def _hold_to_bounds(self, request: Request) -> None:
        """Raises OriginNotAllowed, Invalid; nothing is counted or done before."""
        if request.method in self.guarded:
            origins.check(request._request)
        bodies.check_length(request._request)
        bodies.check_bytes(request._request)
        bodies.check_text(request._request.GET)
        # It parses the body, which is then kept for the view.
        if request.method == "POST" and isinstance(request.data, QueryDict):
            bodies.check_text(request.data)

    def note(self, **facts: Any) -> None:
        """For the audit trail."""
        audit.note(self.request._request, **facts)


class AuthorizationView(View):
    actions: ClassVar = {"GET": "authorize"}
    #: Nothing is counted, but with each of them the oldest sign-in that the browser has open goes.
    guarded = ("GET",)

    def get(self, request: Request, provider: str) -> Response:
        source = oauth.get(provider)
        target = safe_next(request._request, serializers.Authorization.read(request.query_params)["next"])
        user_agent = request.headers.get("User-Agent", "")
        self.note(outcome="started")
        if conf.legacy_state:
            return Response({"login_url": source.login_url(target, user_agent=user_agent)})
        state, cookie = tickets.start(request._request, source, target)
        response = Response({"login_url": source.login_url(state, user_agent=user_agent)})
        tickets.remember(request._request, response, cookie)
        return response


class OAuthUserView(View):
    """GET is the callback, POST the bind."""

    actions: ClassVar = {"GET": "callback", "POST": "bind"}

    def get(self, request: Request, provider: str) -> Response:
        source = oauth.get(provider)
        callback = serializers.Callback.read(request.query_params)
        if conf.legacy_state:
            return self._callback_without_state(request, source, callback)
        state = tickets.read_state(request._request, source, callback["state"])
        identity, account = binding.identify(source, _code(source, callback))
        if account is not None:
            binding.sign_in(request._request, account.user, account)
            response = Response(_signed_in(request, account.user, next=state.next))
        else:
            self.note(outcome="not_bound")
            ticket, cookie = tickets.issue(request._request, identity, state.next)
            response = Response(_not_bound(ticket, identity, state.next))
            tickets.remember(request._request, response, cookie)
        tickets.forget(request._request, response, state)
        return response

    def post(self, request: Request, provider: str) -> Response:
        form = serializers.Bind.read(request.data)
        self.note(mobile=form["mobile"])
        source = oauth.get(provider)
        ticket = tickets.read(request._request, source, form["access_token"], unbound=conf.legacy_state)
        mobile = sms_codes.check(
            form["mobile"],
            form["sms_code"],
            claimant=ticket.identity.key,
            address=limits.client_address(request._request),
        )
        account = binding.bind(request._request, ticket.identity, mobile, form["password"])
        return Response(_signed_in(request, account.user, next=ticket.next), status=201)

    def _callback_without_state(self, request: Request, source: oauth.Provider, callback: dict[str, str]) -> Response:
        """For front ends whose ``state`` is ``next`` and who keep no cookies."""
        target = safe_next(request._request, callback["state"])
        identity, account = binding.identify(source, _code(source, callback))
        if account is None:
            self.note(outcome="not_bound")
            return Response(_not_bound(tickets.issue_unbound(identity, target), identity, target))
        binding.sign_in(request._request, account.user, account)
        return Response(_signed_in(request, account.user, next=target))


class ImageCodeView(View):
    actions: ClassVar = {"GET": "image_code"}
    guarded = ("GET",)

    def get(self, request: Request, image_code_id: str) -> HttpResponse:
        image = image_codes.issue(serializers.image_code_id(image_code_id), limits.client_address(request._request))
        self.note(outcome="drawn")
        return HttpResponse(image, content_type=image_drawing.MEDIA_TYPE)


class HumanCheckView(View):
    actions: ClassVar = {"GET": "human_check"}
    guarded = ("GET",)

    def get(self, request: Request, mobile: str) -> Response:
        self.note(mobile=mobile)
        form = serializers.HumanCheckRequest.read({**request.query_params.dict(), "mobile": mobile})
        asked = human.issue(**form, address=limits.client_address(request._request))
        self.note(outcome="asked")
        return Response(asked)


class SmsCodeView(View):
    actions: ClassVar = {"GET": "sms_code", "POST": "sms_code"}
    guarded = ("GET", "POST")

    def get(self, request: Request, mobile: str) -> Response:
        return self._send(request, mobile, request.query_params)

    def post(self, request: Request, mobile: str) -> Response:
        return self._send(request, mobile, request.data)

    def _send(self, request: Request, mobile: str, data: Any) -> Response:
        self.note(mobile=mobile)
        if not isinstance(data, Mapping):
            raise Invalid
        form = serializers.SmsCodeRequest.read({name: data[name] for name in data} | {"mobile": mobile})
        ticket = form.pop("access_token", None)
        holder = ticket and tickets.read_any(request._request, ticket, unbound=conf.legacy_state).identity
        sent = human.send_code(request._request, form.pop("mobile"), human.Answers(**form), holder or None)
        return Response({"message": "OK", **asdict(sent)})


class PasswordView(View):
    actions: ClassVar = {"POST": "password"}

    def post(self, request: Request) -> Response:
        form = serializers.Credentials.read(request.data)
        self.note(mobile=form["username"])
        user = accounts.authenticate(**form, address=limits.client_address(request._request))
        binding.sign_in(request._request, user)
        return Response(_signed_in(request, user))


class RefreshView(View):
    actions: ClassVar = {"POST": "refresh"}

    def post(self, request: Request) -> Response:
        pair = tokens.refresh(serializers.Refresh.read(request.data)["refresh"])
        self.note(outcome="refreshed")
        return Response(pair)


def _code(source: oauth.Provider, callback: dict[str, str]) -> str:
    if "code" not in callback:
        raise source.refusal(callback["error"])
    return callback["code"]


def _signed_in(request: Request, user: AbstractBaseUser, **also: str) -> dict[str, Any]:
    pair = tokens.issue(user, audit.began(request._request))
    pk = user.pk if isinstance(user.pk, int) else str(user.pk)
    return {**pair, "id": pk, "user_id": pk, "username": str(user.get_username()), **also}


def _not_bound(ticket: str, identity: oauth.Identity, target: str) -> dict[str, Any]:
    return {
        "access_token": ticket,
        "expires_in": tickets.MAX_AGE,
        "next": target,
        "nickname": identity.nickname,
    }
