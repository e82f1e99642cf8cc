"""Sign-in with a provider: to it, back from it, and the bind."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import binding, limits, oauth, sms_codes, tickets
from phonebind.api import serializers
from phonebind.api.base import View
from phonebind.redirects import safe_next


class AuthorizationView(View):
    actions: ClassVar = {"GET": "authorize"}
    #: Nothing is counted, but with each of them the oldest sign-in that the browser has open goes.
    guarded = ("GET",)

    def get(self, request: Request, provider: str) -> Response:
        source = oauth.get(provider)
        target = safe_next(request._request, serializers.Authorization.read(request.query_params)["next"])
        self.note(outcome="started")
        state, cookie = self.flow.start(request._request, source, target)
        response = Response({"login_url": source.login_url(state, user_agent=request.headers.get("User-Agent", ""))})
        tickets.remember(request._request, response, cookie)
        return response


class OAuthUserView(View):
    """GET is the callback, POST the bind."""

    actions: ClassVar = {"GET": "callback", "POST": "bind"}

    def get(self, request: Request, provider: str) -> Response:
        source = oauth.get(provider)
        callback = serializers.Callback.read(request.query_params)
        state = self.flow.read(request._request, source, callback["state"])
        identity, account = binding.identify(source, _code(source, callback))
        if account is not None:
            binding.sign_in(request._request, account.user, account)
            response = self.signed_in(account.user, account, next=state.next)
        else:
            self.note(outcome="not_bound")
            ticket, cookie = self.flow.issue(request._request, identity, state.next)
            response = Response(_not_bound(ticket, identity, state.next))
            tickets.remember(request._request, response, cookie)
        tickets.forget(request._request, response, state)
        return response

    def post(self, request: Request, provider: str) -> Response:
        form = serializers.Bind.read(request.data)
        self.note(mobile=form["mobile"])
        source = oauth.get(provider)
        ticket = tickets.read(request._request, source, form["access_token"], unbound=self.flow.unbound)
        mobile = sms_codes.check(
            form["mobile"],
            form["sms_code"],
            claimant=ticket.identity.key,
            address=limits.client_address(request._request),
        )
        account = binding.bind(request._request, ticket.identity, mobile, form["password"])
        return self.signed_in(account.user, account, status=201, next=ticket.next)


def _code(source: oauth.Provider, callback: dict[str, str]) -> str:
    if "code" not in callback:
        raise source.refusal(callback.get("error", ""))
    return callback["code"]


def _not_bound(ticket: str, identity: oauth.Identity, target: str) -> dict[str, Any]:
    return {
        "access_token": ticket,
        "expires_in": tickets.MAX_AGE,
        "next": target,
        "nickname": identity.nickname,
    }
