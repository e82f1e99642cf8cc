"""First the mobile number and the code, then what the account needs: a new password, its own password, or nothing."""

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from phonebind import store
from phonebind.models import SocialAccount
from tests.pages.conftest import Shopper
from tests.support.edge import Configure, Upstream

pytestmark = pytest.mark.django_db

MOBILE = "13900000001"
PASSWORD = "horse-staple-9"


def known(**fields: Any) -> Any:
    users: Any = get_user_model().objects
    return users.create_user(username=MOBILE, mobile=MOBILE, **{"password": PASSWORD} | fields)


def filled(shopper: Shopper, url: str) -> dict[str, str]:
    """The first step with valid values."""
    form = shopper.form(url) | {"mobile": MOBILE}
    assert shopper.send_code(url, form).status_code == 200
    return form | {"sms_code": shopper.sms_code()}


def asked(answer: Any) -> tuple[str, str]:
    """The heading, and what the page tells a password manager about the password field."""
    html = answer.content.decode()
    heading, kind = re.search(r"<h1>([^<]*)</h1>", html), re.search(r'autocomplete="(\w+-password)"', html)
    assert heading
    return heading[1], kind[1] if kind else ""


def test_the_first_page_asks_for_no_password(shopper: Shopper, qq: Upstream) -> None:
    assert "password" not in shopper.form(shopper.arrive())


def test_an_unknown_mobile_gets_a_new_password(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    second = shopper.prove(url, filled(shopper, url))
    assert (second.status_code, *asked(second)) == (200, "Choose a password", "new-password")
    assert not SocialAccount.objects.exists()
    form = shopper.inputs(second)
    assert form["mobile"] == MOBILE
    assert shopper.submit(url, form | {"password": PASSWORD, "action": "bind"}).status_code == 303
    assert SocialAccount.objects.get().user.check_password(PASSWORD)


def test_a_known_mobile_is_asked_for_its_own(shopper: Shopper, qq: Upstream) -> None:
    user = known()
    url = shopper.arrive()
    second = shopper.prove(url, filled(shopper, url))
    assert (second.status_code, *asked(second)) == (200, "Enter your password", "current-password")
    form = shopper.inputs(second) | {"action": "bind"}
    third = shopper.submit(url, form | {"password": "wrong-horse-1"})
    assert (third.status_code, *asked(third)) == (400, "Enter your password", "current-password")
    assert '<p class="error" id="id_password_error">Wrong password</p>' in third.content.decode()
    assert shopper.submit(url, shopper.inputs(third) | {"password": PASSWORD, "action": "bind"}).status_code == 303
    assert SocialAccount.objects.get().user == user


def test_an_account_without_a_password_needs_nothing_more(shopper: Shopper, qq: Upstream) -> None:
    user = known(password=None)
    url = shopper.arrive()
    assert shopper.prove(url, filled(shopper, url)).status_code == 303
    assert SocialAccount.objects.get().user == user


def test_the_script_is_told_of_another_page(shopper: Shopper, qq: Upstream) -> None:
    """Then the script sends the form as a page. That is possible: a right code stays valid."""
    url = shopper.arrive()
    form = filled(shopper, url)
    for _ in range(3):
        assert shopper.prove(url, form, script=True).json() == {"screen": True}
    assert shopper.prove(url, form).status_code == 200


def test_threat_28_who_has_not_proved_the_number_learns_nothing_of_it(shopper: Shopper, qq: Upstream) -> None:
    """The first step shows nothing, and a request that claims to be at the second step shows nothing either."""
    url = shopper.arrive()
    form = filled(shopper, url)
    wrong = form | {"sms_code": f"{(int(form['sms_code']) + 1) % 10**6:06}"}

    def told() -> list[Any]:
        first = shopper.prove(url, wrong)
        claimed = shopper.submit(url, wrong | {"needs": "new", "password": "short", "action": "bind"})
        pages = [re.sub(r"[0-9a-f-]{36}", "", page.content.decode()) for page in (first, claimed)]
        return [first.status_code, claimed.status_code, *pages]

    unknown = told()
    known()
    assert told() == unknown


def test_a_code_that_is_gone_at_the_second_step_leads_back_to_the_first(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    second = shopper.inputs(shopper.prove(url, filled(shopper, url))) | {"password": PASSWORD, "action": "bind"}
    with store.connection() as client:
        assert client.delete(*client.keys(f"*:sms:{{{MOBILE}}}"))
    assert shopper.submit(url, second, script=True).json()["screen"] is True
    answer = shopper.submit(url, second)
    assert asked(answer)[0] == "Confirm your mobile number"
    assert "This SMS code is no longer valid." in answer.content.decode()
    assert shopper.inputs(answer)["mobile"] == MOBILE
    assert "password" not in shopper.inputs(answer)


def test_a_weak_password_is_told_at_the_second_step(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    second = shopper.inputs(shopper.prove(url, filled(shopper, url))) | {"action": "bind"}
    answer = shopper.submit(url, second | {"password": "password"})
    assert asked(answer) == ("Choose a password", "new-password")
    assert "This password is too common." in answer.content.decode()
    answer = shopper.submit(url, second | {"password": ""})
    assert asked(answer) == ("Choose a password", "new-password")
    assert 'id="id_password_error">The password must' in answer.content.decode()


def test_consent_comes_first_and_is_kept(shopper: Shopper, qq: Upstream, phonebind: Configure) -> None:
    phonebind(terms_url="https://shop.example/terms", privacy_url="https://shop.example/privacy")
    url = shopper.arrive()
    form = filled(shopper, url)
    assert shopper.prove(url, form | {"terms": "on"}).status_code == 400
    second = shopper.prove(url, form | {"terms": "on", "privacy": "on"})
    assert asked(second)[0] == "Choose a password"
    kept = shopper.inputs(second)
    assert (kept["terms"], kept["privacy"]) == ("on", "on")
    assert shopper.submit(url, kept | {"password": PASSWORD, "action": "bind"}).status_code == 303


def test_two_of_the_second_step_make_one_account(shopper: Shopper, qq: Upstream) -> None:
    url = shopper.arrive()
    second = shopper.inputs(shopper.prove(url, filled(shopper, url))) | {"password": PASSWORD, "action": "bind"}
    assert [shopper.submit(url, second).status_code for _ in range(2)] == [303, 303]
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("needs", ["", "nonsense", "known\x00", "<script>"])
def test_what_the_form_says_of_itself_opens_nothing(shopper: Shopper, qq: Upstream, needs: str) -> None:
    known()
    url = shopper.arrive()
    form = filled(shopper, url) | {"needs": needs, "action": "bind", "password": ""}
    answer = shopper.submit(url, form)
    assert answer.status_code == 400
    assert "<script>" not in answer.content.decode().replace("<script type", "")
    assert not SocialAccount.objects.exists()
