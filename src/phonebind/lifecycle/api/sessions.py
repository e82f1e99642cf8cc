"""The person's sessions: list them and end them."""

from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from phonebind import revocation, tokens
from phonebind.api import serializers
from phonebind.api.base import View
from phonebind.exceptions import TokenInvalid
from phonebind.lifecycle import endings, people, sessions
from phonebind.lifecycle.api.base import AccountView
from phonebind.lifecycle.exceptions import NotFound
from phonebind.lifecycle.models import Session


class SessionsView(AccountView):
    actions: ClassVar = {"GET": "sessions", "DELETE": "sessions"}

    def get(self, request: Request) -> Response:
        found = sessions.of(self.person.user.pk).order_by("-last_seen_at")
        self.note(outcome="listed")
        return Response([_shown(each, self.person.sid) for each in found])

    def delete(self, request: Request) -> Response:
        """End all sessions; with ``?except=current`` all but the current one."""
        if request.query_params.get("except") == "current":
            people.sign_out_others(self.person)
        else:
            revocation.revoke(self.person.user.pk, "revoked")
        self.note(outcome="ended")
        return Response(status=204)


class SessionView(AccountView):
    actions: ClassVar = {"DELETE": "session"}

    def delete(self, request: Request, session_id: UUID) -> Response:
        session = sessions.of(self.person.user.pk).filter(pk=session_id).first()
        if session is None:
            raise NotFound
        endings.end([session], "signed_out" if str(session.pk) == self.person.sid else "revoked")
        self.note(outcome="ended")
        return Response(status=204)


class RevokeView(View):
    """RFC 7009: a client that holds a refresh token may end its session. The answer is 200, whatever the token was."""

    actions: ClassVar = {"POST": "revoke"}

    def post(self, request: Request) -> Response:
        with suppress(TokenInvalid):
            sid = tokens.retire(serializers.Refresh.read(request.data)["refresh"])
            found = list(endings.find(sid))
            endings.end(found, "signed_out")
            # The user's primary key, even if the host's tokens carry another id.
            self.note(user_id=next((each.user_id for each in found), None))
        self.note(outcome="ended")
        return Response({})


def _shown(session: Session, own: str) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "current": str(session.pk) == own,
        "method": session.method,
        "provider": session.provider,
        "user_agent": session.user_agent,
        "address": session.address,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
    }
