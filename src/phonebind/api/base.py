"""The base class of every API view: parsers and renderers, request checks, and the record in the audit trail."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, QueryDict
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from phonebind import accounts, audit, binding, bodies, databases, languages, origins, tokens
from phonebind.api import errors, flows
from phonebind.api.flows import Flow
from phonebind.conf import conf
from phonebind.models import SocialAccount


class _OnlyJSON(BaseContentNegotiation):
    """Always answers in JSON, whatever the client accepts.

    An ``<img>`` or a browser's address bar gets JSON errors too.
    """

    def select_parser(self, request: Request, parsers: Any) -> Any:
        media_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


#: Decorators of every view. The first is the outermost.
_AROUND = (never_cache, sensitive_post_parameters(), databases.own_transactions, languages.in_ours)


class View(APIView):
    """Every class attribute of DRF is set here, so ``REST_FRAMEWORK`` of the host cannot change the contract."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = _OnlyJSON
    versioning_class = None
    metadata_class = None
    #: HEAD is not allowed: Django treats HEAD as GET, and some GET requests send an SMS here.
    http_method_names = ("get", "post")

    #: The name of the action in the audit trail, by HTTP method.
    actions: ClassVar[Mapping[str, str]] = {}
    #: HTTP methods that a page of another site must not make a browser use: they count, send or change something.
    guarded: ClassVar[Collection[str]] = ("POST",)
    #: Statuses that a dialect does not turn into 400, because the pages of this view check them. Other pages check only
    #: 400.
    plain_statuses: ClassVar[Collection[int]] = ()

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        # Decorate once here. ``method_decorator`` would decorate again for each request.
        for decorate in reversed(_AROUND):
            view = decorate(view)
        return view

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        bodies.read_as_utf8(request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        action = self.actions.get(str(request.method)) or next(iter(self.actions.values()))
        self.note(action=action, provider=kwargs.get("provider", ""))
        super().initial(request, *args, **kwargs)
        if request.method in self.allowed_methods:
            self.hold_to_bounds(request)

    def get_exception_handler(self) -> Any:
        return errors.handle

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        audit.write(request._request, response)
        return response

    def hold_to_bounds(self, request: Request) -> None:
        """Check the request's origin, size and text. Nothing is counted or changed before. Raises OriginNotAllowed,
        Invalid.
        """
        if request.method in self.guarded:
            origins.check(request._request)
        bodies.check_length(request._request)
        bodies.check_bytes(request._request)
        bodies.check_text(request._request.GET)
        # ``request.data`` parses the body. DRF keeps the result for the view.
        if request.method == "POST" and isinstance(request.data, QueryDict):
            bodies.check_text(request.data)

    def note(self, **facts: Any) -> None:
        """Add ``facts`` to the audit record of this request."""
        audit.note(self.request._request, **facts)

    @property
    def flow(self) -> Flow:
        return flows.LEGACY if conf.legacy_state else flows.BOUND

    def signed_in(
        self,
        user: AbstractBaseUser,
        social_account: SocialAccount | None = None,
        *,
        method: str = "provider",
        status: int = 200,
        **also: Any,
    ) -> Response:
        """The response to a person who signed in. ``method`` is "provider", "password" or "sms"."""
        shown = self.credentials(user, social_account, method)
        pk = user.pk if isinstance(user.pk, int) else str(user.pk)
        body = {**shown, "id": pk, "user_id": pk, "username": accounts.name_of(user), **also}
        response = Response(body, status=status)
        self.greet(response, user)
        # This comes last: the host may change every cookie of the response.
        binding.respond(self.request._request, response, user, social_account)
        return response

    def credentials(
        self, user: AbstractBaseUser, social_account: SocialAccount | None, method: str
    ) -> Mapping[str, object]:
        """The fields of the response that prove the sign-in in later requests: a pair of tokens."""
        request = self.request._request
        return tokens.issue(user, audit.began(request), request=request, method=method, social_account=social_account)

    def greet(self, response: Response, user: AbstractBaseUser) -> None:
        """Set what accompanies the credentials on ``response``. Does nothing here; a dialect may set a cookie."""
