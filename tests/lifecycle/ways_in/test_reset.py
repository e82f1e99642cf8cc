"""A forgotten password on a page: the same answers for every number, and a link back to the bind form."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from phonebind import tickets
from phonebind.lifecycle.models import Session
from phonebind.models import SocialAccount
from server.users.models import User
from tests.lifecycle.conftest import MOBILE, PASSWORD
from tests.lifecycle.ways_in.conftest import GENEROUS, Visitor
from tests.lifecycle.ways_in.test_by_sms import Who
from tests.support.edge import Configure, Outbox, Upstream

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/login/by/reset/"
NOBODYS = "13900000009"
NEW = "another-horse-9"


@pytest.fixture(autouse=True)
def _open(phonebind: Configure) -> None:
    phonebind(human_check="none", limits=GENEROUS)


def password_of(mobile: str = MOBILE) -> str:
    user = User.objects.get(mobile=mobile)
    return next((each for each in (PASSWORD, NEW) if user.check_password(each)), "")


@pytest.mark.parametrize("script", [False, True])
def test_a_new_password_signs_in_and_leads_on(visitor: Visitor, owner: Any, who: Who, script: bool) -> None:
    form = visitor.at(f"{URL}?next=/cart.html", mobile=MOBILE)
    code = form.code()
    answer = form.send(sms_code=code, password=NEW, script=script)
    assert answer.json() == {"location": "/cart.html"} if script else answer["Location"] == "/cart.html"
    assert (who(visitor.http), password_of()) == ("139****0001", NEW)
    assert Session.objects.get(ended_at=None).method == "sms"


def test_it_ends_every_other_session(visitor: Visitor, owner: Any, who: Who) -> None:
    thief = Visitor()
    form = thief.at("/login/by/password/", username=MOBILE, password=PASSWORD)
    assert form.send().status_code == 303
    form = visitor.at(URL, mobile=MOBILE)
    assert form.send(sms_code=form.code(), password=NEW).status_code == 303
    assert Session.objects.filter(ended_at=None).count() == 1
    assert who(visitor.http) == "139****0001"


def test_threat_28_every_number_is_answered_alike(owner: Any) -> None:
    told = []
    for mobile in (MOBILE, NOBODYS):
        visitor = Visitor()
        form = visitor.at(URL, mobile=mobile)
        sent, asked = form.ask(), form.send(sms_code="000000", password=NEW)
        assert Outbox.sent[-1].mobile == mobile
        told.append([(each.status_code, len(each.content)) for each in (sent, asked)])
    assert told[0] == told[1]
    assert "There is none" in Outbox.sent[-1].text
    assert not User.objects.filter(mobile=NOBODYS).exists()


def test_the_code_of_one_number_sets_the_password_of_no_other(visitor: Visitor, owner: Any) -> None:
    User.objects.create_user(username=NOBODYS, mobile=NOBODYS, password=PASSWORD)
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    Visitor().at(URL, mobile=NOBODYS).code()
    answer = form.send(mobile=NOBODYS, sms_code=code, password=NEW)
    assert (answer.status_code, password_of(), password_of(NOBODYS)) == (400, PASSWORD, PASSWORD)


def test_another_browser_cannot_finish_it(visitor: Visitor, owner: Any) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    thief = Visitor()
    thief.at(URL, mobile=MOBILE).code()
    assert thief.at(URL, mobile=MOBILE).send(sms_code=code, password="thiefs-horse-1").status_code == 400
    assert form.send(sms_code=code, password=NEW).status_code == 303


def test_it_survives_a_reload_and_serves_once(visitor: Visitor, owner: Any) -> None:
    code = visitor.at(URL, mobile=MOBILE).code()
    form = visitor.at(URL, mobile=MOBILE)
    assert form.send(sms_code=code, password=NEW).status_code == 303
    again = form.send(sms_code=code, password="third-horse-10")
    assert (again.status_code, password_of()) == (400, NEW)


@pytest.mark.parametrize("former", [True, False])
def test_it_outlives_the_change_of_secret_key(visitor: Visitor, owner: Any, settings: Settings, former: bool) -> None:
    form, old = visitor.at(URL, mobile=MOBILE), settings.SECRET_KEY
    code = form.code()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new key" * 5, [old] if former else []
    assert form.send(sms_code=code, password=NEW).status_code == (303 if former else 400)
    assert password_of() == (NEW if former else PASSWORD)


def test_wrong_codes_burn_the_right_one(visitor: Visitor, owner: Any) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    for _ in range(5):
        wrong = form.send(sms_code=f"{(int(code) + 1) % 10**6:06}", password=NEW)
        assert wrong.status_code in (400, 429)
    assert form.send(sms_code=code, password=NEW).status_code == 400
    assert password_of() == PASSWORD


@pytest.mark.parametrize("password", ["short", "x" * 21, MOBILE])
def test_a_weak_password_is_told_and_the_code_stays_good(visitor: Visitor, owner: Any, password: str) -> None:
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    answer = form.send(sms_code=code, password=password, script=True)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["password"])
    assert form.send(sms_code=code, password=NEW).status_code == 303


def test_an_operators_is_not_reset_so(visitor: Visitor, owner: Any) -> None:
    User.objects.update(is_staff=True)
    form = visitor.at(URL, mobile=MOBILE)
    answer = form.send(sms_code=form.code(), password=NEW, script=True)
    assert (answer.status_code, answer.json()["code"], password_of()) == (403, "owner_refused", PASSWORD)


def test_whose_account_it_is_is_asked_and_the_password_comes_after(visitor: Visitor, person: Any, who: Who) -> None:
    User.objects.update(password="")
    form = visitor.at(URL, mobile=MOBILE)
    code = form.code()
    asked = form.send(sms_code=code, password=NEW)
    assert (asked.status_code, b"Is this account yours?" in asked.content) == (409, True)
    assert NEW not in asked.content.decode()
    after = visitor.submit(URL, visitor.inputs(asked) | {"owner": "mine"})
    assert (after.status_code, b"Now choose your new password" in after.content) == (200, True)
    values = visitor.inputs(after)
    assert (values["mobile"], values["sms_code"]) == (MOBILE, code)
    assert visitor.submit(URL, values | {"password": NEW}).status_code == 303
    assert (who(visitor.http), password_of()) == ("139****0001", NEW)


def test_who_answers_mine_where_more_is_needed_is_told_what(visitor: Visitor, person: Any) -> None:
    SocialAccount.objects.create(user=person, provider="qq", app_id="101000001", openid="E" * 32)
    SocialAccount.objects.update(created_at=timezone.now() - timedelta(days=200))
    form = visitor.at(URL, mobile=MOBILE)
    asked = form.send(sms_code=form.code(), password=NEW)
    answer = visitor.submit(URL, visitor.inputs(asked) | {"owner": "mine"})
    assert (answer.status_code, b"the way you did before" in answer.content) == (403, True)
    assert password_of() == PASSWORD


def test_not_mine_leaves_no_password_to_reset(visitor: Visitor, person: Any) -> None:
    form = visitor.at(f"{URL}?next=/cart.html", mobile=MOBILE)
    asked = form.send(sms_code=form.code(), password=NEW)
    told = visitor.submit(form.url, visitor.inputs(asked) | {"owner": "not_mine"})
    assert (told.status_code, b"The number is yours now" in told.content) == (200, True)
    assert b'href="/login/?next=%2Fcart.html"' in told.content
    person.refresh_from_db()
    assert (person.mobile, person.check_password(PASSWORD)) == (None, True)


def test_a_gateway_that_does_not_answer_leaves_the_reset(visitor: Visitor, owner: Any) -> None:
    Outbox.mute = True
    form = visitor.at(URL, mobile=MOBILE)
    assert form.ask().status_code == 502
    assert form.send(sms_code=visitor.sms_code(), password=NEW).status_code == 303


# ---------------------------------------------------------------- from the bind form


@pytest.fixture
def at_form(visitor: Visitor, qq: Upstream, phonebind: Configure) -> str:
    """The address of the bind form of a new person."""
    return visitor.arrive(next="/cart.html")


def reset_of(form_url: str) -> str:
    provider, flow = form_url.split("/")[2], form_url.split("/")[4]
    return f"{URL}?provider={provider}&flow={flow}"


def test_it_comes_back_to_the_form_with_the_mobile_proved(visitor: Visitor, owner: Any, at_form: str, who: Who) -> None:
    form = visitor.at(reset_of(at_form), mobile=MOBILE)
    answer = form.send(sms_code=form.code(), password=NEW)
    assert (answer.status_code, answer["Location"]) == (303, at_form)
    # The bind signs the person in. The reset does not.
    assert who(visitor.http) is None
    sent = len(Outbox.sent)
    values = visitor.form(at_form)
    assert (values["mobile"], password_of()) == (MOBILE, NEW)
    assert "Your new password is set. Enter it here" in visitor.http.get(at_form).content.decode()
    bound = visitor.submit(at_form, values | {"action": "bind", "password": NEW})
    assert (bound.status_code, bound["Location"], len(Outbox.sent)) == (303, "/cart.html", sent)
    assert SocialAccount.objects.get().user_id == owner.pk
    assert who(visitor.http) == "139****0001"


def test_the_proof_does_not_do_without_the_password(visitor: Visitor, owner: Any, at_form: str, who: Who) -> None:
    form = visitor.at(reset_of(at_form), mobile=MOBILE)
    form.send(sms_code=form.code(), password=NEW)
    values = visitor.form(at_form)
    assert visitor.submit(at_form, values | {"action": "bind", "password": PASSWORD}).status_code == 400
    assert not SocialAccount.objects.exists()
    assert who(visitor.http) is None


def test_all_of_it_may_take_as_long_as_each_part_of_it(visitor: Visitor, owner: Any, qq: Upstream) -> None:
    with time_machine.travel(0) as clock:
        at_form = visitor.arrive(next="/cart.html")
        clock.shift(tickets.MAX_AGE - 5)
        form = visitor.at(reset_of(at_form), mobile=MOBILE)
        code = form.code()
        clock.shift(280)
        assert form.send(sms_code=code, password=NEW)["Location"] == at_form
        clock.shift(tickets.MAX_AGE - 5)
        bound = visitor.submit(at_form, visitor.form(at_form) | {"action": "bind", "password": NEW})
        assert bound.status_code == 303


def test_not_mine_leads_back_to_the_form(visitor: Visitor, person: Any, at_form: str) -> None:
    form = visitor.at(reset_of(at_form), mobile=MOBILE)
    asked = form.send(sms_code=form.code(), password=NEW)
    assert visitor.submit(form.url, visitor.inputs(asked) | {"owner": "not_mine"})["Location"] == at_form
    assert "mobile_proof" not in visitor.form(at_form)


def test_an_sms_that_is_not_sent_renews_nothing(visitor: Visitor, owner: Any, at_form: str) -> None:
    flow = at_form.split("/")[4]
    form = visitor.at(reset_of(at_form), mobile=MOBILE)
    kept = f"phonebind_kept_{flow}"
    before = visitor.http.cookies[kept].value
    Outbox.refuse = True
    assert form.ask().status_code == 502
    assert visitor.http.cookies[kept].value == before
    Outbox.refuse = False
    Outbox.mute = True
    assert form.ask().status_code == 502
    assert visitor.http.cookies[kept].value != before


def test_more_sms_do_not_renew_it_again(visitor: Visitor, owner: Any, qq: Upstream) -> None:
    with time_machine.travel(0) as clock:
        at_form = visitor.arrive(next="/cart.html")
        form = visitor.at(reset_of(at_form), mobile=MOBILE)
        form.code()
        clock.shift(tickets.MAX_AGE - 5)
        form.code()
        clock.shift(10)
        gone = form.ask()
        assert (gone.status_code, b"/login/qq/?next=%2Fcart.html" in gone.content) == (400, True)


@pytest.mark.parametrize("query", ["provider=qq&flow=x", "provider=qq", "provider=x&flow=y", "provider=qq&flow=é;a"])
def test_a_form_that_nobody_stands_at(visitor: Visitor, owner: Any, qq: Upstream, query: str) -> None:
    assert visitor.http.get(f"{URL}?{query}").status_code in (400, 404)
    assert visitor.http.post(f"{URL}?{query}", {"mobile": MOBILE, "action": "send_code"}).status_code in (400, 404)
    assert not Outbox.sent


def test_the_form_of_another_browser_is_none(visitor: Visitor, owner: Any, at_form: str) -> None:
    assert Visitor().http.get(reset_of(at_form)).status_code == 400


def test_a_form_whose_name_only_begins_alike_is_none(visitor: Visitor, owner: Any, at_form: str) -> None:
    """A name with a slash leads nowhere."""
    for more in ("/x", "x", "%0a"):
        assert visitor.http.get(f"{reset_of(at_form)}{more}").status_code == 400
    assert visitor.http.get(reset_of(at_form)).status_code == 200
