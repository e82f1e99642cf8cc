"""Unbind an identity, and bind another one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import include, path
from pytest_django import Settings

from phonebind.models import SocialAccount
from tests.lifecycle.pages.conftest import Owner, bind, later
from tests.lifecycle.pages.test_overview import HOME, live
from tests.lifecycle.pages.test_step_up import ASKED, OTHER_QQ
from tests.support.edge import OPENID, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

BIND = "/my/identities/bind/qq/"


@pytest.fixture
def page(person: Any) -> str:
    bind(person, "W" * 32, "weibo", "100000001")
    return f"/my/identities/{SocialAccount.objects.get(openid=OPENID).pk}/"


@pytest.fixture
def by_host(person: Any, browser: Callable[[], Owner]) -> Owner:
    """Signed in by the host's own form, not by QQ. QQ is not bound."""
    SocialAccount.objects.all().delete()
    one = browser()
    one.http.force_login(person)
    return one


def state_of(owner: Owner) -> str:
    """The state in the link to QQ."""
    html = owner.read(BIND)
    assert "Go on to QQ" in html
    return html.split("state=")[1].split("&")[0].split('"')[0]


def confirm(owner: Owner) -> None:
    assert owner.confirm_by_password(BIND).status_code == 303


# ---------------------------------------------------------------- unbind


def test_the_page_tells_what_ends(owner: Owner, page: str, browser: Callable[[], Owner]) -> None:
    assert "everywhere" not in owner.form(page)
    browser().sign_in_by_qq()
    html = owner.read(page)
    for told in ("Unbind QQ?", "小明", "so you will sign in here again", "1 other device that was signed in with QQ"):
        assert told in html
    assert 'name="everywhere"' in html


def test_unbound_it_signs_nobody_in_and_its_sessions_end(
    owner: Owner, page: str, browser: Callable[[], Owner], person: Any
) -> None:
    here = browser()
    here.http.force_login(person)
    here.confirm_by_password(page)
    [_, mine] = live()
    answer = here.send(page)
    assert (answer.status_code, answer["Location"]) == (303, "/my/")
    assert live() == [mine]
    assert not SocialAccount.objects.filter(openid=OPENID).exists()
    assert "QQ is unbound." in here.read()
    assert owner.http.get("/my/")["Location"] == HOME


def test_who_came_in_by_it_signs_in_again_and_is_told_then(owner: Owner, page: str, person: Any) -> None:
    answer = owner.send(page)
    assert (answer.status_code, answer["Location"]) == (303, HOME)
    assert live() == []
    assert "_auth_user_id" not in owner.http.session
    owner.http.force_login(person)
    assert "QQ is unbound." in owner.read()


def test_nobody_else_is_told(owner: Owner, page: str, stranger: Any) -> None:
    """The next person who signs in at this browser does not see the message."""
    owner.send(page)
    owner.http.force_login(stranger)
    assert "QQ is unbound." not in owner.read()


def test_everywhere_else(owner: Owner, page: str, person: Any, browser: Callable[[], Owner]) -> None:
    here, other = browser(), browser()
    for each in (here, other):
        each.http.force_login(person)
        each.read()
    mine = here.http.session["sid"]
    here.confirm_by_password(page)
    assert here.send(page, everywhere="on").status_code == 303
    assert live() == [mine]


def test_a_second_click_finds_it_done(owner: Owner, page: str, person: Any, browser: Callable[[], Owner]) -> None:
    here = browser()
    here.http.force_login(person)
    here.confirm_by_password(page)
    form = here.form(page)
    for _ in range(2):
        answer = here.submit(page, form)
        assert (answer.status_code, answer["Location"]) == (303, "/my/")
    assert here.submit(page, form, script=True).status_code == 303
    assert here.http.get(page).status_code == 404


def test_nobody_unbinds_what_is_not_theirs(owner: Owner, page: str, stranger: Any) -> None:
    theirs = bind(stranger, OTHER_QQ)
    form = owner.form(page)
    for pk in (theirs.pk, 0, 10**30):
        for answer in (owner.http.get(f"/my/identities/{pk}/"), owner.submit(f"/my/identities/{pk}/", form)):
            assert answer.status_code == 404
            assert "There is no such thing in your account." in answer.content.decode()
            assert 'href="/my/"' in answer.content.decode()
        assert owner.submit(f"/my/identities/{pk}/", form, script=True).json()["code"] == "not_found"
    assert owner.http.get("/my/identities/x/").status_code == 404
    assert SocialAccount.objects.filter(pk=theirs.pk).exists()


def without_other_ways(owner: Owner, person: Any) -> None:
    person.mobile = None
    person.set_unusable_password()
    person.save()
    owner.sign_in_by_qq()


def test_the_last_way_in_stays_and_the_way_on_is_told(owner: Owner, person: Any, page: str) -> None:
    without_other_ways(owner, person)
    SocialAccount.objects.exclude(openid=OPENID).delete()
    html = owner.read(page)
    assert "QQ is your only way in" in html
    assert 'href="/my/password/"' in html


def test_one_that_has_become_the_last_meanwhile(owner: Owner, person: Any, page: str) -> None:
    without_other_ways(owner, person)
    other = bind(person, OTHER_QQ)
    form = owner.form(page)
    other.delete()
    answer = owner.submit(page, form)
    assert answer.status_code == 409
    assert SocialAccount.objects.filter(openid=OPENID).exists()
    assert "This is the last way to sign in" in answer.content.decode()


# ---------------------------------------------------------------- bind another one


def test_one_more_is_bound(by_host: Owner, person: Any) -> None:
    assert ASKED in by_host.read(BIND)
    confirm(by_host)
    state = state_of(by_host)
    answer = by_host.come_back(state)
    assert (answer.status_code, answer["Location"]) == (303, "/my/")
    assert SocialAccount.objects.get().user == person
    html = by_host.read()
    assert "QQ is bound." in html
    assert "小明" in html
    # A reload of the callback leads to the account page.
    assert by_host.http.get(by_host.come_back(state)["Location"])["Location"] == "/my/"
    assert SocialAccount.objects.count() == 1


def test_a_site_that_refuses_a_second_one_says_so(by_host: Owner, person: Any, phonebind: Any) -> None:
    phonebind(SECOND_IDENTITY="refuse")
    SocialAccount.objects.create(user=person, provider="qq", app_id="101000001", openid="E" * 32)
    confirm(by_host)
    assert by_host.come_back(state_of(by_host))["Location"] == "/my/"
    assert "Another sign-in of this kind is bound to this account." in by_host.read()
    assert SocialAccount.objects.count() == 1


def test_threat_24_one_of_another_account_is_not_moved(by_host: Owner, stranger: Any) -> None:
    bind(stranger)
    confirm(by_host)
    assert by_host.come_back(state_of(by_host))["Location"] == "/my/"
    assert "stays there. To bind it here, sign in with it and unbind it there first." in by_host.read()
    assert SocialAccount.objects.get().user == stranger


def test_threat_24_the_state_of_one_binds_nothing_for_another(
    by_host: Owner, person: Any, stranger: Any, browser: Callable[[], Owner]
) -> None:
    confirm(by_host)
    state = state_of(by_host)
    # The address is opened in another person's browser.
    other = browser()
    other.http.force_login(stranger)
    other.come_back(state)
    # In the same browser, another person has signed in meanwhile, or the same person has signed in again.
    for user in (stranger, person, None):
        by_host.http.session.flush()
        if user:
            by_host.http.force_login(user)
        assert "/bind/" in by_host.come_back(state)["Location"]
    assert not SocialAccount.objects.exists()


def test_threat_24_a_state_to_verify_or_to_sign_in_does_not_bind(by_host: Owner) -> None:
    confirm(by_host)
    started = by_host.http.get("/my/verification/qq/")
    by_host.come_back(started["Location"].split("state=")[1].split("&")[0])
    assert not SocialAccount.objects.exists()
    # The state of a sign-in leads to the page that asks.
    assert "/attach/" in by_host.arrive()
    assert not SocialAccount.objects.exists()


def test_a_step_up_that_is_over_when_they_come_back(by_host: Owner, qq: Upstream) -> None:
    with later(0):
        confirm(by_host)
    with later(590):
        state = state_of(by_host)
    with later(610):
        answer = by_host.come_back(state)
        assert (answer.status_code, answer["Location"]) == (303, BIND)
        assert ASKED in by_host.read(BIND)
    assert not SocialAccount.objects.exists()
    assert qq.paths == []


def test_who_turns_back_binds_nothing(by_host: Owner) -> None:
    confirm(by_host)
    answer = by_host.http.get("/login/qq/callback/", {"state": state_of(by_host), "usercancel": "1"})
    assert answer["Location"] == "/my/"
    assert "QQ did not confirm that it is you." in by_host.read()


def test_a_form_binds_nothing_and_another_provider_is_none(by_host: Owner) -> None:
    confirm(by_host)
    form = by_host.form("/my/")
    assert by_host.submit(BIND, form).status_code == 200
    assert by_host.http.get("/my/identities/bind/nobody/").status_code == 404
    assert not SocialAccount.objects.exists()


def test_a_host_that_does_not_serve_these_pages_takes_no_such_states(by_host: Owner, settings: Settings) -> None:
    confirm(by_host)
    state = state_of(by_host)
    settings.ROOT_URLCONF = __name__
    assert "/bind/" in by_host.come_back(state)["Location"]
    assert not SocialAccount.objects.exists()


urlpatterns = [path("", include("phonebind.api.urls")), path("", include("phonebind.pages.urls"))]
