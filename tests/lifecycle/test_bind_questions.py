"""The bind page for a person who has proved a number that an account has. The page asks about that account."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from phonebind.lifecycle import proofs
from phonebind.lifecycle.models import MobileProof
from phonebind.models import SocialAccount
from tests.pages.conftest import Shopper, busy, phonebind, qq, shopper, upstream
from tests.support.edge import Configure, Upstream

__all__ = ["busy", "phonebind", "qq", "shopper", "upstream"]

pytestmark = pytest.mark.django_db(transaction=True)

MOBILE, PASSWORD = "13900000001", "horse-staple-9"


@pytest.fixture(autouse=True)
def by_number(phonebind: Configure) -> None:
    phonebind(known_mobile="sms", bind_without_password=True)


def account(password: str | None = None, days: float = 100) -> Any:
    """An account whose number was proved that many days ago."""
    model: Any = get_user_model()
    user = model.objects.create_user(username=MOBILE, mobile=MOBILE, password=password)
    proofs.record(user, MOBILE, "sms")
    moment = timezone.now() - timedelta(days=days)
    MobileProof.objects.update(first_proved_at=moment, last_proved_at=moment)
    return user


def prove(shopper: Shopper) -> tuple[str, Any]:
    """A person who is new at the provider proves the number. Returns the next page."""
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE}
    assert shopper.send_code(url, form).status_code == 200
    return url, shopper.prove(url, form | {"sms_code": shopper.sms_code()})


def heading(answer: Any) -> str:
    found = re.search(r"<h1>([^<]*)</h1>", answer.content.decode())
    assert found, answer.content.decode()
    return found[1]


def test_a_number_that_was_proved_lately_is_asked_about_nothing(shopper: Shopper, qq: Upstream) -> None:
    user = account(days=1)
    assert prove(shopper)[1].status_code == 303
    assert SocialAccount.objects.get().user == user


def test_threat_30_an_old_number_is_a_question_that_shows_a_masked_name(shopper: Shopper, qq: Upstream) -> None:
    user = account()
    SocialAccount.objects.create(user=user, provider="wechat", app_id="wx1", openid="A" * 32, nickname="小明同学")
    url, asked = prove(shopper)
    assert (asked.status_code, heading(asked)) == (409, "Is this account yours?")
    assert "<dd>小**</dd>" in asked.content.decode()
    assert "小明" not in asked.content.decode()
    # The month as people write it, and a link for a person who mistyped the number.
    assert f"<dd>{timezone.localtime():%B %Y}</dd>" in asked.content.decode()
    assert f'href="{url}">Use another number' in asked.content.decode()
    assert not SocialAccount.objects.filter(provider="qq").exists()


def test_it_is_mine_and_there_is_nothing_else_to_show(shopper: Shopper, qq: Upstream) -> None:
    user = account()
    url, asked = prove(shopper)
    assert shopper.submit(url, shopper.inputs(asked) | {"owner": "mine"}).status_code == 303
    assert SocialAccount.objects.get().user == user
    assert MobileProof.objects.get().doubtful_until is not None


def test_it_is_mine_takes_the_password_where_there_is_one(shopper: Shopper, qq: Upstream) -> None:
    user = account(PASSWORD)
    url, asked = prove(shopper)
    more = shopper.submit(url, shopper.inputs(asked) | {"owner": "mine"})
    assert (more.status_code, heading(more)) == (401, "Please confirm that it is you")
    form = shopper.inputs(more)
    assert (form["owner"], form["password"]) == ("mine", "")
    # A person who does not know the password has a link to go on.
    assert "/login/by/reset/" in more.content.decode()
    assert f'href="{url}">Use another number' in more.content.decode()
    wrong = shopper.submit(url, form | {"password": "wrong-horse-1"})
    assert (wrong.status_code, heading(wrong)) == (400, "Please confirm that it is you")
    assert "Wrong password" in wrong.content.decode()
    assert shopper.inputs(wrong) == form
    assert shopper.submit(url, form | {"password": PASSWORD}).status_code == 303
    assert SocialAccount.objects.get().user == user
    assert MobileProof.objects.get().doubtful_until is None


def test_it_is_not_mine_makes_another_account_without_a_second_sms(shopper: Shopper, qq: Upstream) -> None:
    old = account()
    url, asked = prove(shopper)
    answer = shopper.submit(url, shopper.inputs(asked) | {"owner": "not_mine"})
    if answer.status_code == 200:
        assert heading(answer) == "Choose a password"
        answer = shopper.submit(url, shopper.inputs(answer) | {"password": PASSWORD, "action": "bind"})
    assert answer.status_code == 303, answer.content.decode()
    bound = SocialAccount.objects.get().user
    old.refresh_from_db()
    assert bound.pk != old.pk
    assert (bound.mobile, old.mobile) == (MOBILE, None)
    assert old.username != MOBILE


def test_the_script_posts_the_form_as_a_page_where_there_is_a_question(shopper: Shopper, qq: Upstream) -> None:
    account()
    url = shopper.arrive()
    form = shopper.form(url) | {"mobile": MOBILE}
    shopper.send_code(url, form)
    told = shopper.prove(url, form | {"sms_code": shopper.sms_code()}, script=True)
    assert (told.status_code, told.json()["code"], told.json()["screen"]) == (409, "owner_unclear", True)


def test_threat_30_an_answer_serves_the_browser_and_the_identity_that_were_asked(
    shopper: Shopper, qq: Upstream
) -> None:
    account()
    _url, asked = prove(shopper)
    answer = shopper.inputs(asked) | {"owner": "not_mine"}
    qq.person("F" * 32)
    other = Shopper(type(shopper.http))
    url = other.arrive()
    mixed = answer | {"access_token": other.form(url)["access_token"]}
    assert other.submit(url, mixed).status_code == 400
    assert get_user_model().objects.filter(username=MOBILE).exists()


def test_a_question_is_answered_once(shopper: Shopper, qq: Upstream) -> None:
    account()
    url, asked = prove(shopper)
    form = shopper.inputs(asked)
    assert shopper.submit(url, form | {"owner": "not_mine"}).status_code in (200, 303)
    assert shopper.submit(url, form | {"owner": "mine"}).status_code == 400
    assert not SocialAccount.objects.filter(user__username=MOBILE).exists()


@pytest.fixture
def asking(phonebind: Configure) -> None:
    phonebind(known_mobile="sms", second_identity="ask", bind_without_password=True)


def with_another(password: str | None = None) -> Any:
    user = account(password, days=1)
    SocialAccount.objects.create(user=user, provider="qq", app_id="101000001", openid="A" * 32, nickname="小明同学")
    return user


def test_another_identity_of_the_account_is_a_question(shopper: Shopper, qq: Upstream, asking: None) -> None:
    user = with_another()
    url, asked = prove(shopper)
    assert (asked.status_code, heading(asked)) == (409, "Another sign-in is bound to this account")
    assert "QQ already: 小**." in asked.content.decode()
    assert shopper.submit(url, shopper.inputs(asked) | {"second_identity": "add"}).status_code == 303
    assert SocialAccount.objects.filter(user=user).count() == 2


def test_to_replace_it_takes_the_password(shopper: Shopper, qq: Upstream, asking: None) -> None:
    user = with_another(PASSWORD)
    url, asked = prove(shopper)
    more = shopper.submit(url, shopper.inputs(asked) | {"second_identity": "replace"})
    assert (more.status_code, heading(more)) == (401, "Please confirm that it is you")
    form = shopper.inputs(more)
    assert form["password"] == ""
    wrong = shopper.submit(url, form | {"password": "wrong-horse-1"})
    assert (wrong.status_code, heading(wrong)) == (400, "Please confirm that it is you")
    assert "Wrong password" in wrong.content.decode()
    assert shopper.submit(url, shopper.inputs(wrong) | {"password": PASSWORD}).status_code == 303
    assert SocialAccount.objects.get(user=user).openid != "A" * 32


def test_without_a_password_it_cannot_be_replaced(shopper: Shopper, qq: Upstream, asking: None) -> None:
    with_another()
    url, asked = prove(shopper)
    assert 'value="replace"' not in asked.content.decode()
    again = shopper.submit(url, shopper.inputs(asked) | {"second_identity": "replace"})
    assert heading(again) == "Another sign-in is bound to this account"
    assert SocialAccount.objects.count() == 1


def test_whose_account_has_another_identity_alone_is_sent_to_it(shopper: Shopper, qq: Upstream) -> None:
    user = account()
    SocialAccount.objects.create(user=user, provider="qq", app_id="101000001", openid="A" * 32)
    url, asked = prove(shopper)
    more = shopper.submit(url, shopper.inputs(asked) | {"owner": "mine"})
    assert (more.status_code, heading(more)) == (401, "Please confirm that it is you")
    assert 'href="/login/"' in more.content.decode()
    assert "password" not in shopper.inputs(more)


def test_with_the_password_proved_the_question_asks_for_it_again(
    shopper: Shopper, qq: Upstream, phonebind: Configure
) -> None:
    phonebind(known_mobile="password", second_identity="ask")
    user = with_another(PASSWORD)
    url, second = prove(shopper)
    form = shopper.inputs(second) | {"password": PASSWORD, "action": "bind"}
    asked = shopper.submit(url, form)
    assert heading(asked) == "Another sign-in is bound to this account"
    assert PASSWORD not in asked.content.decode()
    assert "enter the password once more" in asked.content.decode()
    kept = shopper.inputs(asked)
    assert shopper.submit(url, kept | {"second_identity": "add", "password": PASSWORD}).status_code == 303
    assert SocialAccount.objects.filter(user=user).count() == 2


@pytest.mark.parametrize("owner", [{}, {"owner": ""}, {"owner": "theirs"}])
def test_who_presses_neither_button_has_answered_nothing(shopper: Shopper, qq: Upstream, owner: dict[str, str]) -> None:
    user = account()
    url, asked = prove(shopper)
    answer = shopper.submit(url, shopper.inputs(asked) | owner)
    assert heading(answer) == "Is this account yours?"
    user.refresh_from_db()
    assert user.mobile == MOBILE
