"""Threat 45: the session that began on the pages ends together with the user's tokens."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser, update_last_login
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import RequestFactory

from phonebind import audit, binding, revocation
from phonebind.models import SocialAccount
from phonebind.pages.middleware import AUTH_TIME, AuthenticationMiddleware
from server.processes import Valkey
from server.users.models import User
from tests.pages.conftest import Shopper
from tests.support.edge import Upstream

pytestmark = pytest.mark.django_db(transaction=True)


def is_signed_in(shopper: Shopper) -> bool:
    return bool(shopper.http.get("/login/done/").status_code == 200)


def unbind() -> None:
    binding.unbind(SocialAccount.objects.get())


def disable() -> None:
    """Disable the user, and enable the user again."""
    user = User.objects.get(mobile="13900000001")
    for is_active in (False, True):
        user.is_active = is_active
        user.save()


@pytest.mark.parametrize("end", [unbind, disable])
def test_threat_45_the_session_ends_and_a_new_one_begins(shopper: Shopper, qq: Upstream, end: Any) -> None:
    shopper.sign_in()
    assert is_signed_in(shopper)
    end()
    assert not is_signed_in(shopper)
    if end is disable:
        assert shopper.come_back(shopper.start()["state"]).status_code == 303
        assert is_signed_in(shopper)


def test_threat_45_a_session_that_the_shop_began_ends_too(shopper: Shopper, qq: Upstream) -> None:
    shopper.sign_in()
    shopper.http.force_login(User.objects.get())
    unbind()
    assert not is_signed_in(shopper)
    shopper.http.force_login(User.objects.get())
    assert is_signed_in(shopper)


def test_who_sets_a_password_and_signs_in_with_the_same_request_stays(shopper: Shopper, qq: Upstream) -> None:
    shopper.sign_in()
    user = User.objects.get()
    request = RequestFactory().post("/")
    request.session = SessionStore()
    audit.began(request)
    user.set_password("another-horse-9")
    user.save()
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    assert not revocation.is_revoked(user.pk, request.session[AUTH_TIME])
    assert not is_signed_in(shopper)


def test_a_session_from_before_sessions_were_dated_goes_on(shopper: Shopper, qq: Upstream) -> None:
    shopper.sign_in()
    session = shopper.http.session
    del session[AUTH_TIME]
    session.save()
    unbind()
    assert is_signed_in(shopper)


def test_a_sign_in_without_a_request_has_no_session_to_date() -> None:
    """Django's signal may be sent outside a view."""
    user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")
    try:
        user_logged_in.send(User, request=None, user=User(pk=1))
    finally:
        user_logged_in.connect(update_last_login, dispatch_uid="update_last_login")


def test_threat_20_without_valkey_sessions_go_on(shopper: Shopper, qq: Upstream, valkey: Valkey) -> None:
    shopper.sign_in()
    valkey.stop()
    assert is_signed_in(shopper)


def test_whoever_asks_for_no_user_asks_no_store(valkey: Valkey) -> None:
    valkey.stop()
    AuthenticationMiddleware(lambda request: HttpResponse())(with_session(SessionStore()))


def with_session(session: SessionStore) -> Any:
    request: Any = RequestFactory().get("/")
    request.session = session
    return request


def test_threat_45_asynchronous_views_too(shopper: Shopper, qq: Upstream) -> None:
    shopper.sign_in()

    async def whoami() -> Any:
        return await request.auser()

    for expected in (User.objects.get(), AnonymousUser()):
        request = with_session(SessionStore(shopper.http.session.session_key))
        AuthenticationMiddleware(lambda request: HttpResponse())(request)
        assert async_to_sync(whoami)() == expected
        if SocialAccount.objects.exists():
            unbind()
