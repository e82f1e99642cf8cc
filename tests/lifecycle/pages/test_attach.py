"""A person is signed in, and a sign-in whose identity is not bound arrives in that browser. It may be another
person's.
"""

from typing import Any

import pytest
from django.urls import NoReverseMatch

from phonebind import signals
from phonebind.lifecycle.pages import visitors
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import PASSWORD
from tests.lifecycle.pages.conftest import Owner, later
from tests.lifecycle.pages.test_step_up import ASKED, OTHER_QQ
from tests.support.edge import Outbox, Upstream

pytestmark = pytest.mark.django_db(transaction=True)


def is_bound() -> bool:
    return SocialAccount.objects.filter(openid=OTHER_QQ).exists()


def press(owner: Owner, url: str) -> Any:
    return owner.submit(url, owner.form(url))


def test_who_has_just_signed_in_is_not_asked_twice(owner: Owner, person: Any, qq: Upstream) -> None:
    told: list[Any] = []

    def hear(user: Any, provider: str, **kwargs: Any) -> None:
        told.append((user.pk, provider))

    signals.identity_bound.connect(hear)
    qq.person(openid=OTHER_QQ)
    assert press(owner, owner.arrive(next="/cart.html"))["Location"] == "/cart.html"
    assert is_bound()
    # The signal that a site uses to inform its users.
    assert told == [(person.pk, "qq")]


@pytest.mark.parametrize("script", [False, True])
def test_threat_23_a_browser_that_was_left_open_makes_nobody_a_way_in(owner: Owner, qq: Upstream, script: bool) -> None:
    with later():
        qq.person(openid=OTHER_QQ)
        url = owner.arrive()
        form = owner.form(url)
        answer = owner.submit(url, form, script=script)
        assert (answer.status_code, answer["Location"], is_bound()) == (303, f"{url}?by=", False)
        assert ASKED in owner.read(answer["Location"])
        # A step-up form that proves nothing does not help.
        asked = owner.form(f"{url}?by=password")
        assert owner.submit(url, asked | {"action": "password", "password": "wrong-horse-1"}).status_code == 400
        assert owner.submit(url, asked | form | {"action": "garbage"}).status_code == 200
        assert owner.submit(url, form | {"step": "sms", "action": "garbage"})["Location"] == "/my/"
        assert not is_bound()


def test_they_confirm_it_and_bind(owner: Owner, qq: Upstream) -> None:
    with later():
        qq.person(openid=OTHER_QQ)
        url = owner.arrive(next="/cart.html")
        press(owner, url)
        answer = owner.confirm_by_sms(f"{url}?by=")
        assert (answer.status_code, answer["Location"], is_bound()) == (303, url, False)
        assert Outbox.sent[-1].purpose == "verify"
        assert press(owner, url)["Location"] == "/cart.html"
        assert is_bound()


def test_by_the_password_or_by_what_is_bound(owner: Owner, qq: Upstream) -> None:
    with later():
        qq.person(openid=OTHER_QQ)
        url = owner.arrive()
        press(owner, url)
        html = owner.read(f"{url}?by=password")
        assert f'href="/my/verification/qq/?next={url.replace("/", "%2F")}"' in html
        asked = owner.form(f"{url}?by=password") | {"action": "password", "password": PASSWORD}
        assert owner.submit(f"{url}?by=password", asked)["Location"] == url
        assert ASKED not in owner.read(url)
        assert owner.http.get(f"{url}?by=")["Location"] == url
        assert press(owner, url).status_code == 303
        assert is_bound()


def test_a_session_of_the_hosts_own_is_asked(owner: Owner, person: Any, qq: Upstream) -> None:
    owner.http.logout()
    owner.http.force_login(person)
    qq.person(openid=OTHER_QQ)
    url = owner.arrive()
    assert press(owner, url)["Location"] == f"{url}?by="
    assert ASKED in owner.read(f"{url}?by=")


def test_whose_session_is_over_is_not_asked(owner: Owner, qq: Upstream) -> None:
    """A person whose session is over gets the form for a mobile number, as everybody does."""
    qq.person(openid=OTHER_QQ)
    url = owner.arrive()
    del owner.http.cookies["sessionid"]
    assert owner.http.get(f"{url}?by=")["Location"] == url.replace("/attach/", "/bind/")
    assert owner.submit(url, {"step": "sms"}).status_code == 400


def test_a_host_without_those_pages_has_them_sign_in_anew(
    owner: Owner, qq: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> str:
        raise NoReverseMatch

    with later():
        qq.person(openid=OTHER_QQ)
        url = owner.arrive()
        asked = press(owner, url)["Location"]
        monkeypatch.setattr(visitors, "home", nowhere)
        answer = owner.http.get(asked)
        assert (answer.status_code, b'href="/login/"' in answer.content, is_bound()) == (401, True, False)
