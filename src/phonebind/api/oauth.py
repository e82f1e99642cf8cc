"""The views of a sign-in with a provider: the list of ways, the redirect, the callback, and the bind."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import QueryDict
from django.urls import get_script_prefix
from django.utils.translation import gettext_lazy as _
from rest_framework.fields import Field
from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import binding, life, limits, mobile_proofs, mobiles, oauth, sms_codes, states, tickets
from phonebind.api import serializers
from phonebind.api.base import View
from phonebind.conf import conf
from phonebind.exceptions import CodeInvalid, Invalid, TicketInvalid
from phonebind.oauth import Grant, Identity, NativeProvider, WebProvider
from phonebind.redirects import safe_next
from phonebind.verified import VerifiedMobile

REQUIRED = Field.default_error_messages["required"]
OTHER_MOBILE = _("This is not the number that was confirmed.")


class WaysView(View):
    """The data for the buttons of a sign-in page. The request's User-Agent decides which ways work in that browser."""

    actions: ClassVar = {"GET": "ways"}

    def get(self, request: Request) -> Response:
        user_agent = request.headers.get("User-Agent", "")
        self.note(outcome="listed")
        return Response(
            {
                "ways": [_way(source) | {"text": source.button} for source in oauth.ways(user_agent)],
                "elsewhere": [_way(source) | {"text": source.hint} for source in oauth.elsewhere(user_agent)],
            }
        )


class AuthorizationView(View):
    actions: ClassVar = {"GET": "authorize"}
    #: A request counts nothing, but it drops the oldest unfinished sign-in of the browser.
    guarded = ("GET",)

    def get(self, request: Request, provider: str) -> Response:
        source = oauth.web(provider)
        target = safe_next(request._request, serializers.Authorization.read(request.query_params)["next"])
        # Older front ends bring no state back, and send no intent.
        intent = life.installed.intent(request) if life.installed else ""
        self.note(outcome="started")
        if intent:
            started = states.start(request._request, source, target, intent)
            if self.flow.unbound:
                states.keep(started)
        else:
            started = self.flow.start(request._request, source, target)
        user_agent = request.headers.get("User-Agent", "")
        login_url = source.login_url(started.state, secret=started.secret, user_agent=user_agent)
        response = Response({"login_url": login_url})
        states.remember(request._request, response, started)
        return response


class OAuthUserView(View):
    """GET is the callback, and POST is the bind."""

    actions: ClassVar = {"GET": "callback", "POST": "bind"}

    def get(self, request: Request, provider: str) -> Response:
        source = oauth.web(provider)
        callback = serializers.Callback.read(_contracts_names(source, request.query_params))
        state = self.flow.read(request._request, source, callback["state"])
        if "code" not in callback:
            raise source.refusal(callback.get("error", ""))
        code = callback["code"]
        identity, account = binding.identify(source, lambda: source.exchange(code, secret=state.secret))
        if account is not None:
            binding.sign_in(request._request, account.user, account)
            response = self.signed_in(account.user, account, next=state.next)
        else:
            self.note(outcome="not_bound")
            ticket, cookie = self.flow.issue(request._request, identity, state.next)
            response = Response(_not_bound(ticket, identity, state.next))
            tickets.remember(request._request, response, cookie)
        states.forget(request._request, response, state)
        return response

    def post(self, request: Request, provider: str) -> Response:
        form = _bind_form(request.data)
        self.note(mobile=form["mobile"])
        source = oauth.get(provider)
        flow = self.flow
        ticket = tickets.read(request._request, source, form["access_token"], unbound=flow.unbound, loose=flow.loose)
        if tickets.is_spent(ticket) and binding.find(ticket.identity) is None:
            raise TicketInvalid
        mobile = self._verified(form, ticket.identity)
        account = binding.bind(
            request._request, ticket.identity, mobile, form["password"], form.get("second_identity", "")
        )
        tickets.spend(ticket)
        return self.signed_in(account.user, account, status=201, next=ticket.next)

    def _verified(self, form: Mapping[str, Any], identity: Identity) -> VerifiedMobile:
        if "mobile_proof" not in form:
            address = limits.client_address(self.request._request)
            return sms_codes.check(form["mobile"], form["sms_code"], claimant=identity.key, address=address)
        mobile = mobile_proofs.read(form["mobile_proof"], identity)
        self.note(mobile=mobile.number)
        if form["mobile"] not in ("", mobile.number):
            raise Invalid({"mobile": [OTHER_MOBILE]})
        return mobile


class NativeView(View):
    """The callback of apps and mini programs. They send what the provider's SDK gave them, and keep no cookies."""

    actions: ClassVar = {"POST": "native"}

    def post(self, request: Request, provider: str) -> Response:
        form = serializers.Native.read(request.data)
        source = oauth.native(provider)
        proof = form[source.proof]
        if not proof:
            raise Invalid({source.proof: [REQUIRED]})
        address = limits.client_address(request._request)
        limits.take(("native_address_minute", address))
        grants: list[Grant] = []

        def trade() -> Grant:
            grants.append(_verified(source, proof, form["nonce"], address))
            return grants[0]

        identity, account = binding.identify(source, trade)
        target = get_script_prefix()
        if account is not None:
            binding.sign_in(request._request, account.user, account)
            return self.signed_in(account.user, account, next=target)
        self.note(outcome="not_bound")
        body = _not_bound(tickets.issue_loose(identity, target), identity, target)
        return Response(body | _proof_in(grants[0], identity, source))


def _proof_in(grant: Grant, identity: Identity, source: NativeProvider) -> dict[str, Any]:
    """A mobile proof, if the provider gave the mobile number with the identity: the person need not verify it again."""
    if not mobiles.is_mobile(grant.mobile):
        return {}
    return mobile_proofs.issue(grant.mobile, identity, strength=grant.strength, source=source.kind).body


def _way(source: WebProvider) -> dict[str, Any]:
    return {"name": source.name, "kind": source.kind, "family": source.family, "label": source.label}


def _verified(source: NativeProvider, proof: str, nonce: str, address: str) -> Grant:
    """The grant for ``proof``. Raises CodeInvalid, which counts as a failed attempt of the address, and
    TooManyAttempts.
    """
    found: list[Grant] = []

    def is_right() -> bool:
        try:
            found.append(source.verify(proof, nonce=nonce))
        except CodeInvalid:
            return False
        return True

    if not limits.attempt(is_right, ("native_wrong_address_hour", address)):
        raise CodeInvalid
    return found[0]


def _bind_form(data: Any) -> dict[str, Any]:
    """The validated form of a bind: by ``mobile_proof`` if it has one, otherwise by SMS."""
    by_proof = isinstance(data, Mapping) and data.get("mobile_proof")
    if by_proof:
        return serializers.BindByProof.read(data)
    return (serializers.Bind if conf.known_mobile == "password" else serializers.BindKnown).read(data)


def _contracts_names(source: WebProvider, query: QueryDict) -> QueryDict:
    """The query with the code under the contract's name, ``code``, whatever name the provider uses."""
    if source.code_field == "code" or source.code_field not in query:
        return query
    # It stays a QueryDict: for one, the serializer treats an empty field as missing.
    given = query.copy()
    given.setlist("code", query.getlist(source.code_field))
    return given


def _not_bound(ticket: str, identity: oauth.Identity, target: str) -> dict[str, Any]:
    return {
        "access_token": ticket,
        "expires_in": tickets.MAX_AGE,
        "next": target,
        "nickname": identity.nickname,
        "avatar": identity.avatar,
    }
