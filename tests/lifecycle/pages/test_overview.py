"""The account's overview, and the list of the devices that are signed in."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from pytest_django import Settings

from phonebind import accounts
from phonebind.lifecycle import endings
from phonebind.lifecycle.models import MobileChange, Session
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE
from tests.lifecycle.pages.conftest import OTHERS_MOBILE, Owner, later

pytestmark = pytest.mark.django_db(transaction=True)

HOME = "/login/?next=%2Fmy%2F"


def live() -> list[str]:
    return [str(pk) for pk in Session.objects.filter(ended_at=None).order_by("created_at").values_list("pk", flat=True)]


def change_of(user: Any, mobile: str = "13900000009", *, due_in: int = 60) -> None:
    now = timezone.now()
    MobileChange.objects.create(user=user, mobile=mobile, requested_at=now, due_at=now + timedelta(seconds=due_in))


def test_what_there_is_of_an_account(owner: Owner) -> None:
    html = owner.read()
    assert "139****0001" in html
    assert MOBILE not in html
    for told in ("小明", "Unbind QQ", "Change mobile number", "Change password", "Signed in with QQ", "This device"):
        assert told in html
    assert "Username" not in html


def test_nothing_of_it_for_who_is_not_signed_in(browser: Callable[[], Owner]) -> None:
    nobody = browser()
    for url in ("/my/", "/my/password/", "/my/mobile/", "/my/identities/1/"):
        answer = nobody.http.get(url)
        assert (answer.status_code, answer["Location"]) == (303, "/login/?next=" + url.replace("/", "%2F"))
    posted = nobody.http.post("/my/sessions/")
    assert (posted.status_code, posted["Location"]) == (303, HOME)
    asked = nobody.http.post("/my/password/", headers={"accept": "application/json"})
    assert (asked.status_code, asked.json()["code"]) == (401, "token_invalid")


def test_the_page_after_the_sign_in_leads_there(owner: Owner) -> None:
    assert 'href="/my/">My account' in owner.read("/login/done/")


def test_who_has_no_password_and_another_name(owner: Owner, person: Any) -> None:
    person.set_unusable_password()
    person.username, person.mobile = "xiaoming", None
    person.save()
    owner.sign_in_by_qq()
    html = owner.read()
    assert "xiaoming" in html
    assert "Set password" in html
    assert "Add mobile number" in html


def test_what_works_in_this_browser_can_be_bound(owner: Owner, person: Any) -> None:
    assert "not bound" not in owner.read()
    SocialAccount.objects.all().delete()
    owner.http.logout()
    owner.http.force_login(person)
    assert 'href="/my/identities/bind/qq/"' in owner.read()


# ---------------------------------------------------------------- devices


def test_another_device_is_signed_out_and_this_one_stays(owner: Owner, browser: Callable[[], Owner]) -> None:
    phone = browser()
    phone.http.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 18) Mobile MicroMessenger/8.0.60"
    phone.sign_in_by_qq()
    mine, other = live()
    html = owner.read()
    assert "WeChat on iPhone" in html
    assert f"/my/sessions/{other}/" in html
    for _ in range(2):  # a second click
        answer = owner.send(f"/my/sessions/{other}/", page="/my/")
        assert (answer.status_code, answer["Location"]) == (303, "/my/")
    assert live() == [mine]
    assert "That device is signed out." in owner.read()
    assert "That device is signed out." not in owner.read()
    assert phone.http.get("/my/")["Location"] == HOME


def test_all_others_are_signed_out(owner: Owner, browser: Callable[[], Owner]) -> None:
    for _ in range(2):
        browser().sign_in_by_qq()
    mine = live()[0]
    assert owner.send("/my/sessions/", page="/my/").status_code == 303
    assert live() == [mine]


def test_this_one_is_signed_out(owner: Owner) -> None:
    [mine] = live()
    answer = owner.send(f"/my/sessions/{mine}/", page="/my/")
    assert (answer.status_code, answer["Location"]) == (303, "/login/")
    assert live() == []
    assert owner.http.get("/my/")["Location"] == HOME


def test_nobody_signs_out_anybody_else(owner: Owner, stranger: Any, browser: Callable[[], Owner]) -> None:
    theirs = browser()
    theirs.http.force_login(stranger)
    theirs.read()
    sid = theirs.http.session["sid"]
    for foreign in (sid, uuid4()):
        answer = owner.send(f"/my/sessions/{foreign}/", page="/my/")
        assert answer.status_code == 404
        assert 'href="/my/"' in answer.content.decode()
    assert sid in live()
    assert owner.http.post("/my/sessions/garbage/").status_code == 404


# ---------------------------------------------------------------- whose form and whose session it is


def test_threat_42_a_page_of_another_site_does_nothing(owner: Owner, browser: Callable[[], Owner]) -> None:
    browser().sign_in_by_qq()
    before = live()
    assert owner.http.post("/my/sessions/").status_code == 303
    assert owner.http.post("/my/sessions/", {"seal": "0" * 32}).status_code == 303
    foreign = owner.http.post("/my/sessions/", owner.form("/my/"), headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert live() == before


@pytest.mark.parametrize("former", [True, False])
def test_a_form_outlives_the_change_of_secret_key(
    owner: Owner, browser: Callable[[], Owner], settings: Settings, former: bool
) -> None:
    browser().sign_in_by_qq()
    form, old = owner.form("/my/"), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key" * 5, [old] if former else []
    assert owner.http.post("/my/sessions/", form).status_code == 303
    # Without the old key, Django's session is over too.
    assert len(live()) == (1 if former else 2)


def test_a_form_of_who_was_signed_in_before_does_nothing(owner: Owner, stranger: Any, person: Any) -> None:
    """Another tab has signed in as another person."""
    form = owner.form("/my/")
    change_of(person)
    change_of(stranger, "13900000008")
    owner.http.force_login(stranger)
    answer = owner.submit("/my/mobile/cancel/", form)
    assert (answer.status_code, answer["Location"]) == (303, "/my/")
    assert MobileChange.objects.count() == 2
    html = owner.read()
    assert "You have signed in again" in html
    assert "139****0002" in html
    script = owner.submit("/my/password/", form, script=True)
    assert (script.status_code, script.json()["code"]) == (401, "token_invalid")


def test_a_session_that_was_ended_elsewhere_does_nothing_more(owner: Owner, person: Any) -> None:
    form = owner.form("/my/")
    change_of(person)
    endings.end_all(person.pk, "revoked")
    answer = owner.submit("/my/mobile/cancel/", form)
    assert (answer.status_code, answer["Location"]) == (303, HOME)
    assert MobileChange.objects.exists()


def test_nor_does_one_that_no_middleware_of_ours_looks_at(owner: Owner, person: Any, settings: Settings) -> None:
    """Otherwise the sign-in page would redirect back here without end."""
    django = "django.contrib.auth.middleware.AuthenticationMiddleware"
    ours = "phonebind.pages.middleware.AuthenticationMiddleware"
    settings.MIDDLEWARE = [django if name == ours else name for name in settings.MIDDLEWARE]
    owner.http.handler.load_middleware()
    endings.end_all(person.pk, "revoked")
    assert owner.http.get("/my/")["Location"] == HOME
    assert "_auth_user_id" not in owner.http.session


def test_a_session_of_the_hosts_own_becomes_one_of_ours(owner: Owner, person: Any) -> None:
    owner.http.logout()
    owner.http.force_login(person)
    owner.http.get("/login/done/")
    before = live()
    owner.read()
    [mine] = set(live()) - set(before)
    assert owner.http.session["sid"] == mine
    owner.read()
    assert set(live()) == {*before, mine}
    # A sign-in by the host's own form is no proof that the person is still the same.
    assert "Confirm that it is you" in owner.read("/my/mobile/")


# ---------------------------------------------------------------- a change of the mobile number that waits


def test_a_change_that_waits_can_be_cancelled(owner: Owner, person: Any) -> None:
    change_of(person)
    html = owner.read()
    assert "139****0009" in html
    assert owner.send("/my/mobile/cancel/", page="/my/").status_code == 303
    assert not MobileChange.objects.exists()
    html = owner.read()
    assert "stays as it is" in html
    assert "139****0009" not in html


def test_one_that_is_due_is_carried_out(owner: Owner, person: Any, stranger: Any) -> None:
    change_of(person, due_in=-1)
    html = owner.read()
    assert "Your mobile number is 139****0009 from now on." in html
    person.refresh_from_db()
    assert accounts.mobile_of(person) == "13900000009"
    change_of(person, OTHERS_MOBILE, due_in=-1)
    assert "was not changed" in owner.read()
    assert not MobileChange.objects.exists()


def test_who_is_deleted_or_disabled_meanwhile_is_signed_out(owner: Owner, person: Any) -> None:
    form = owner.form("/my/")
    model: Any = get_user_model()
    model.objects.filter(pk=person.pk).update(is_active=False)
    assert owner.submit("/my/sessions/", form)["Location"] == HOME
    with later():
        assert owner.http.get("/my/")["Location"] == HOME
