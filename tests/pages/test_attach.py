"""A signed-in person binds to their account, after a page that says so."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from pytest_django import Settings

from phonebind import signals
from phonebind.models import SocialAccount
from tests.pages.conftest import SecureClient, Shopper
from tests.support.edge import OPENID, Upstream

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
OTHER = "B" * 32


@pytest.fixture
def user() -> Any:
    return get_user_model().objects.create_user(username="anne", mobile=MOBILE, password="horse-staple-9")


@pytest.fixture
def signed_in(shopper: Shopper, user: Any, qq: Upstream) -> Shopper:
    shopper.http.force_login(user)
    return shopper


def owners() -> list[Any]:
    return [account.user for account in SocialAccount.objects.order_by("pk")]


def test_the_page_names_the_account_and_the_identity(signed_in: Shopper) -> None:
    url = signed_in.arrive(next="/cart/")
    page = signed_in.http.get(url).content.decode()
    assert "Bind QQ to your account" in page
    assert "139****0001" in page
    assert "小明" in page
    assert owners() == []


def test_it_is_bound_and_goes_on(signed_in: Shopper, user: Any) -> None:
    heard: list[Any] = []
    signals.account_bound.connect(receiver := lambda user, **kwargs: heard.append(user))
    url = signed_in.arrive(next="/cart/")
    answer = signed_in.submit(url, signed_in.form(url))
    signals.account_bound.disconnect(receiver)
    assert (answer.status_code, answer["Location"]) == (303, "/cart/")
    assert owners() == heard == [user]


def test_the_session_stays_what_it_is(signed_in: Shopper) -> None:
    """Another authentication backend might give the session other permissions."""
    before = dict(signed_in.http.session)
    url = signed_in.arrive()
    signed_in.submit(url, signed_in.form(url))
    assert before.items() <= dict(signed_in.http.session).items()


def test_twice_is_once(signed_in: Shopper, user: Any) -> None:
    url = signed_in.arrive()
    form = signed_in.form(url)
    assert [signed_in.submit(url, form).status_code for _ in range(2)] == [303, 303]
    assert owners() == [user]
    assert signed_in.http.get(url).status_code == 303  # it is done, so the page asks nothing more


def test_the_page_met_again_leads_on_and_its_ticket_is_kept_no_longer(signed_in: Shopper) -> None:
    url = signed_in.arrive(next="/cart/")
    signed_in.submit(url, signed_in.form(url))
    assert [name for name, morsel in signed_in.http.cookies.items() if "_kept_" in name and morsel.value] == []
    assert signed_in.http.get(url)["Location"] == "/cart/"


def test_the_other_way_leads_to_the_form(signed_in: Shopper) -> None:
    url = signed_in.arrive()
    other = url.replace("/attach/", "/bind/")
    assert f'href="{other}"' in signed_in.http.get(url).content.decode()
    assert "sms_code" in signed_in.form(other)


def test_who_has_no_mobile_proves_one(shopper: Shopper, qq: Upstream) -> None:
    shopper.http.force_login(get_user_model().objects.create_user(username="root"))
    url = shopper.arrive()
    assert "/bind/" in url
    assert "You are signed in as root, which has no mobile number." in shopper.http.get(url).content.decode()
    answer = shopper.http.get(url.replace("/bind/", "/attach/"))
    assert (answer.status_code, answer["Location"]) == (303, url)


def test_who_has_signed_out_meanwhile_proves_a_mobile(signed_in: Shopper) -> None:
    url = signed_in.arrive()
    form = signed_in.form(url)
    signed_in.http.session.flush()
    assert signed_in.submit(url, form)["Location"] == url.replace("/attach/", "/bind/")
    assert owners() == []


def test_threat_3_the_page_binds_for_nobody_but_whom_it_has_named(signed_in: Shopper, user: Any) -> None:
    """Another tab has signed in as another person."""
    url = signed_in.arrive()
    form = signed_in.form(url)
    other = get_user_model().objects.create_user(username="bob", mobile="13900000002")
    signed_in.http.force_login(other)
    answer = signed_in.submit(url, form)
    assert answer.status_code == 200
    assert "139****0002" in answer.content.decode()
    assert owners() == []


def test_threat_2_a_ticket_of_another_browser_binds_nothing(signed_in: Shopper, qq: Upstream) -> None:
    stranger = Shopper()
    qq.person(openid=OTHER)
    ticket = stranger.form(stranger.arrive())["access_token"]
    qq.person()
    url = signed_in.arrive()
    answer = signed_in.submit(url, signed_in.form(url) | {"access_token": ticket})
    assert answer.status_code == 400
    assert owners() == []


def test_threat_42_a_page_of_another_site_binds_nothing(signed_in: Shopper) -> None:
    url = signed_in.arrive()
    form = signed_in.form(url)
    answer = signed_in.http.post(url, form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert owners() == []


def test_an_identity_that_somebody_else_has_bound_meanwhile(signed_in: Shopper) -> None:
    url = signed_in.arrive()
    form = signed_in.form(url)
    other = get_user_model().objects.create_user(username="bob", mobile="13900000002")
    SocialAccount.objects.create(user=other, provider="qq", app_id="101000001", openid=OPENID)
    answer = signed_in.submit(url, form)
    assert answer.status_code == 400
    assert "already bound to another account" in answer.content.decode()
    assert owners() == [other]


def test_who_is_disabled_meanwhile_binds_nothing(signed_in: Shopper, user: Any) -> None:
    url = signed_in.arrive()
    form = signed_in.form(url)
    user.is_active = False
    user.save()
    # Django's session has no user any more.
    assert signed_in.submit(url, form)["Location"] == url.replace("/attach/", "/bind/")
    assert owners() == []


class Stale(ModelBackend):
    """The session's user from a replica that has none of the changes yet."""

    users: ClassVar[dict[Any, Any]] = {}

    def get_user(self, user_id: Any) -> Any:
        return self.users.setdefault(user_id, super().get_user(user_id))


def disable(user: Any) -> None:
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)


def delete(user: Any) -> None:
    get_user_model().objects.filter(pk=user.pk).delete()


@pytest.mark.parametrize("end", [disable, delete])
def test_threat_51_whom_only_a_stale_session_knows_binds_nothing(
    shopper: Shopper, qq: Upstream, user: Any, settings: Settings, end: Callable[[Any], None]
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Stale"]
    Stale.users.clear()
    shopper.http.force_login(user)
    url = shopper.arrive()
    form = shopper.form(url)
    end(user)
    answer = shopper.submit(url, form)
    assert answer.status_code == 403
    assert owners() == []


def test_a_second_qq_of_one_person(signed_in: Shopper, qq: Upstream, user: Any) -> None:
    for openid in (OPENID, OTHER):
        qq.person(openid=openid)
        url = signed_in.arrive()
        signed_in.submit(url, signed_in.form(url))
    assert owners() == [user, user]


def test_who_is_known_is_signed_in_as_that_person(signed_in: Shopper) -> None:
    other = get_user_model().objects.create_user(username="bob", mobile="13900000002")
    SocialAccount.objects.create(user=other, provider="qq", app_id="101000001", openid=OPENID)
    signed_in.come_back(signed_in.start()["state"])
    assert signed_in.http.session["_auth_user_id"] == str(other.pk)


def test_over_https(user: Any, qq: Upstream) -> None:
    shopper = Shopper(SecureClient)
    shopper.http.force_login(user)
    url = shopper.arrive()
    assert shopper.http.post(url, shopper.form(url), secure=True).status_code == 303
    assert owners() == [user]
