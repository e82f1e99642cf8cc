"""Ends Django's session of a person whose tokens were ended."""

from functools import partial
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.contrib import auth
from django.contrib.auth import middleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from phonebind import audit, life, revocation
from phonebind.exceptions import StorageUnavailable

#: Session key: when the person signed in, in seconds since 1970.
AUTH_TIME = "phonebind_auth_time"


class AuthenticationMiddleware(middleware.AuthenticationMiddleware):
    """Replaces Django's middleware of that name. It ends a session once the user's tokens were ended: because an
    identity was unbound or the account was disabled. The session stays ended even if the account is enabled again.

    A request that reads its user costs one query to the store. If the store is unavailable, sessions go on.
    """

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = cast("Any", SimpleLazyObject(partial(_unless_revoked, request, request.user)))
        request.auser = partial(_unless_revoked_async, request, request.auser)


def begin(request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Receiver of Django's ``user_logged_in``, for any kind of sign-in. Stores when the session began.

    If this request itself has ended the earlier sessions, by a new password, the time is after that end.
    """
    if request is not None:
        request.session[AUTH_TIME] = max(audit.began(request), revocation.ended_by(user))


def _unless_revoked(request: HttpRequest, user: Any) -> Any:
    if not (user.is_authenticated and _is_revoked(request, user.pk)):
        return user
    request.user = user  # without this, the next line would load the user again, in an endless loop
    auth.logout(request)
    return AnonymousUser()


async def _unless_revoked_async(request: HttpRequest, load: Any) -> Any:
    return await sync_to_async(_unless_revoked)(request, await load())


def _is_revoked(request: HttpRequest, user_pk: Any) -> bool:
    began, sid = request.session.get(AUTH_TIME), request.session.get(life.SID)
    try:
        if life.installed and sid:
            return not life.installed.is_live(user_pk, sid, began)
        return began is not None and revocation.is_revoked(user_pk, began)
    except StorageUnavailable:
        return False
