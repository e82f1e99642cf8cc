"""The pages for the password and the mobile number."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from phonebind import accounts
from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import MobileChange, Session
from phonebind.models import SocialAccount
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.lifecycle.pages.conftest import OTHERS_MOBILE, Owner, later
from tests.lifecycle.pages.test_overview import HOME, live
from tests.lifecycle.pages.test_step_up import ASKED
from tests.support.edge import Configure, Outbox

pytestmark = pytest.mark.django_db(transaction=True)

NEW_PASSWORD, NEW_MOBILE = "another-horse-9", "13900000009"


# ---------------------------------------------------------------- the password


def test_by_the_old_one(owner: Owner, person: Any, browser: Callable[[], Owner]) -> None:
    other = browser()
    other.sign_in_by_qq()
    before = live()
    session = owner.http.session
    session["cart"] = ["a horse"]
    session.save()
    with later():
        answer = owner.send("/my/password/", old_password=PASSWORD, password=NEW_PASSWORD)
        assert (answer.status_code, answer["Location"]) == (303, "/my/")
        assert "The new password is set." in owner.read()
        [mine] = live()
        assert mine not in before
        assert owner.http.session["cart"] == ["a horse"]
        assert other.http.get("/my/")["Location"] == HOME
        # No earlier proof counts.
        assert ASKED in owner.read("/my/mobile/")
    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)


def test_what_is_wrong_is_told_beside_its_field(owner: Owner, person: Any) -> None:
    wrong = owner.send("/my/password/", script=True, old_password="not-mine-8", password=NEW_PASSWORD)
    assert wrong.json()["errors"].keys() == {"old_password"}
    weak = owner.send("/my/password/", old_password=PASSWORD, password="short")
    assert weak.status_code == 400
    assert "8 to 20 characters" in weak.content.decode()
    assert PASSWORD not in weak.content.decode()
    missing = owner.send("/my/password/", script=True, old_password="", password="")
    assert missing.json()["errors"].keys() == {"old_password", "password"}
    for _ in range(12):
        often = owner.send("/my/password/", script=True, old_password="not-mine-8", password=NEW_PASSWORD)
    assert (often.status_code, often.json()["errors"].keys()) == (429, {"old_password"})
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_who_has_forgotten_it_sets_another_by_sms(owner: Owner, person: Any) -> None:
    assert 'href="/my/password/forgotten/"' in owner.read("/my/password/")
    with later():
        owner.confirm_by_sms("/my/password/forgotten/")
        assert owner.send("/my/password/forgotten/", password=NEW_PASSWORD).status_code == 303
    person.refresh_from_db()
    assert person.check_password(NEW_PASSWORD)


def test_the_password_itself_does_not_replace_the_old_one(owner: Owner) -> None:
    """A person who knows the password enters it in the form, where guesses are counted."""
    with later():
        assert "by=password" not in owner.read("/my/password/forgotten/")


def test_the_first_one(owner: Owner, person: Any) -> None:
    person.set_unusable_password()
    person.save()
    owner.sign_in_by_qq()
    assert "Set password" in owner.read("/my/password/")
    with later():
        assert ASKED in owner.read("/my/password/")
        owner.confirm_by_sms("/my/password/")
        assert owner.send("/my/password/", password=NEW_PASSWORD).status_code == 303
        assert "Change password" in owner.read()


def test_a_form_for_the_first_one_sets_no_other(owner: Owner, person: Any) -> None:
    """The password was set meanwhile, in another tab."""
    answer = owner.send("/my/password/", action="set", password=NEW_PASSWORD)
    assert answer.status_code == 200
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


def test_it_cannot_be_forgotten_where_nothing_else_confirms(owner: Owner, person: Any) -> None:
    owner.http.logout()
    proofs.record(person, MOBILE, "sms", doubtful=True)
    SocialAccount.objects.all().delete()
    owner.http.force_login(person)
    assert "forgotten" not in owner.read("/my/password/")


def test_a_session_that_ends_in_the_middle_leads_to_the_sign_in(owner: Owner, person: Any) -> None:
    """The database rows decide, whatever was read before."""
    form = owner.form("/my/password/") | {"old_password": PASSWORD, "password": NEW_PASSWORD}
    Session.objects.update(ended_at=timezone.now(), end_reason="revoked")
    answer = owner.submit("/my/password/", form)
    assert (answer.status_code, answer["Location"]) == (303, HOME)
    told = owner.submit("/my/password/", form, script=True)
    assert told.json()["code"] == "session_ended"
    person.refresh_from_db()
    assert person.check_password(PASSWORD)


# ---------------------------------------------------------------- the mobile


def enter(owner: Owner, url: str, mobile: str = NEW_MOBILE, *, script: bool = False) -> Any:
    """Request the code, and send it back."""
    form = owner.form(url) | {"mobile": mobile}
    assert "step" not in form
    assert owner.send_code(url, form).status_code == 200
    assert (Outbox.sent[-1].mobile, Outbox.sent[-1].purpose) == (mobile, "change_mobile")
    return owner.submit(url, form | {"sms_code": owner.sms_code()}, script=script)


def mobile_of(person: Any) -> str:
    person.refresh_from_db()
    return accounts.mobile_of(person)


def test_by_the_old_number_it_is_changed_at_once(owner: Owner, person: Any, browser: Callable[[], Owner]) -> None:
    browser().sign_in_by_qq()
    mine = live()[0]
    with later():
        owner.confirm_by_sms("/my/mobile/")
        answer = enter(owner, "/my/mobile/")
        assert (answer.status_code, answer["Location"]) == (303, "/my/")
        assert "Your mobile number is 139****0009 from now on." in owner.read()
        assert mobile_of(person) == NEW_MOBILE
        assert live() == [mine]
        # The old number confirms nothing any more.
        assert ASKED in owner.read("/my/mobile/")


def test_a_second_click_changes_nothing_more(owner: Owner, person: Any, phonebind: Configure) -> None:
    with later():
        owner.confirm_by_sms("/my/mobile/")
        form = owner.form("/my/mobile/") | {"mobile": NEW_MOBILE}
        owner.send_code("/my/mobile/", form)
        form["sms_code"] = owner.sms_code()
        for _ in range(2):
            assert owner.submit("/my/mobile/", form)["Location"] == "/my/"
        assert "is 139****0009 from now on" in owner.read()
        # A person who requests it a second time by mistake still sees the message.
        assert owner.submit("/my/mobile/", form)["Location"] == "/my/"
        assert "139****0009 is your mobile number already" in owner.read()
    assert mobile_of(person) == NEW_MOBILE


def test_without_the_old_number_it_waits(owner: Owner, person: Any) -> None:
    with later():
        assert 'href="/my/mobile/lost/"' in owner.read("/my/mobile/")
        # An SMS that the person can read at that number would confirm nothing either.
        html = owner.read("/my/mobile/lost/")
        assert "sms_code" not in html
        assert "by=sms" not in html
        owner.confirm_by_password("/my/mobile/lost/")
        html = owner.read("/my/mobile/lost/")
        assert "whoever has it is told" in html
        assert enter(owner, "/my/mobile/lost/").status_code == 303
        assert mobile_of(person) == MOBILE
        assert MobileChange.objects.get().mobile == NEW_MOBILE
        assert "it is 139****0009" in owner.read()
        again = owner.http.get("/my/mobile/lost/")
        assert again["Location"] == "/my/"
        assert "waiting already" in owner.read()


def test_threat_23_a_password_or_a_provider_does_not_change_it_at_once(owner: Owner, person: Any) -> None:
    """The person signed in by QQ one minute ago."""
    assert ASKED in owner.read("/my/mobile/")
    form = owner.form("/my/mobile/lost/")
    asked = form | {"mobile": NEW_MOBILE}
    assert owner.send_code("/my/mobile/", asked)["Location"] == "/my/mobile/"
    again = owner.form("/my/mobile/lost/") | {"mobile": NEW_MOBILE}
    assert owner.send_code("/my/mobile/lost/", again).status_code == 200
    answer = owner.submit("/my/mobile/", form | {"mobile": NEW_MOBILE, "sms_code": owner.sms_code()})
    assert answer["Location"] == "/my/mobile/"
    assert mobile_of(person) == MOBILE


def test_threat_23_a_number_in_doubt_is_taken_for_lost(owner: Owner, person: Any) -> None:
    """Otherwise the new owner of the old number could set their own number in its place."""
    proofs.record(person, MOBILE, "sms", doubtful=True)
    assert owner.http.get("/my/mobile/")["Location"] == "/my/mobile/lost/"
    form = owner.form("/my/mobile/lost/") | {"mobile": NEW_MOBILE, "sms_code": "123456"}
    assert owner.submit("/my/mobile/", form)["Location"] == "/my/mobile/lost/"


def test_a_taken_number_is_told_to_who_has_proved_it(owner: Owner, person: Any, stranger: Any) -> None:
    with later():
        owner.confirm_by_sms("/my/mobile/")
        form = owner.form("/my/mobile/") | {"mobile": OTHERS_MOBILE, "sms_code": "123456"}
        assert "Another account" not in owner.submit("/my/mobile/", form).content.decode()
        answer = enter(owner, "/my/mobile/", OTHERS_MOBILE, script=True)
        assert (answer.status_code, answer.json()["errors"].keys()) == (409, {"mobile"})
    assert mobile_of(person) == MOBILE


def test_the_first_number(owner: Owner, person: Any) -> None:
    person.mobile = None
    person.save()
    assert owner.http.get("/my/mobile/lost/")["Location"] == "/my/mobile/"
    assert "Add number" in owner.read("/my/mobile/")
    assert enter(owner, "/my/mobile/").status_code == 303
    assert mobile_of(person) == NEW_MOBILE
