"""The shop without its verifications and most of its users; it is run in its own process, and what it writes stays."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from tests.support.edge import Configure, Outbox, Person
from tests.tutorial_shop.front_end import SECOND, THIRD, Visitor
from tests.tutorial_shop.new import BOUND, NEW, PHONEBIND, User, _at_qq, bind
from tests.tutorial_shop.old import LATE, PASSWORD, model
from tests.tutorial_shop.shop import LATER, commands

__all__ = ["_at_qq"]

#: Who has registered in the old shop, long ago and today.
LONG_AGO, TODAY = ("first", "13800000002"), ("third", "13800000003")


@pytest.fixture(scope="module", autouse=True)
def _database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def _no_pause(phonebind: Configure) -> None:
    """Between two SMS to a mobile, or of the calls to a limit."""
    phonebind(limits={"sms_mobile_gap": (99, 60), "account_count_address_hour": (99, 3_600)})


def visitor(username: str = "newcomer", mobile: str = NEW) -> Visitor:
    return Visitor(Person().see_image, phone, username, mobile)


def phone(mobile: str) -> str:
    return [message.code for message in Outbox.sent if message.mobile == mobile][-1]


def kept(name: str) -> Any:
    return json.loads(Path(f"../{name}.json").read_text())


def test_the_apps_are_gone_and_the_proofs_are_here() -> None:
    assert not find_spec("verifications")
    assert not find_spec("users.views")
    for command in commands("migrate", LATER):
        call_command(*command, verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    User.objects.create_user("staff", mobile="13800000077", is_staff=True)
    for _ in range(2):
        exec(Path("proofs.py").read_text(), {})  # noqa: S102 - as the guide's shell does
    found = model("phonebind_lifecycle.MobileProof").objects.order_by("mobile")
    names = [BOUND, "first", "third", LATE[0], "lives"]
    assert list(found.values_list("user__username", flat=True)) == names
    times = found.values_list("last_proved_at", "user__date_joined", "user__social_accounts__created_at")
    assert all(proved == (bound or joined) for proved, joined, bound in times)


def test_the_checks_warn_of_the_pages_alone(settings: Settings) -> None:
    settings.PHONEBIND = PHONEBIND
    assert [message.id for message in run_checks()] == ["phonebind.W001"]


def test_the_pages_get_what_the_old_shop_answered() -> None:
    """Each call by its status; and all that was in the answer."""
    now, before = visitor("lives_too", "13800000021").live(), kept("answers")
    for (asked, status, names), (old, old_status, old_names) in zip(now, before, strict=True):
        assert (asked, status) == (old, old_status)
        assert set(names) >= set(old_names), asked


def test_the_user_centre_shows_a_masked_mobile_and_what_the_shop_still_does() -> None:
    me = visitor("lives_too", "13800000021")
    me.sign_in(THIRD)
    sent = me.ask("put", "/email/", {"email": "me@example.com"})
    me.ask("get", "/emails/verification/", {"token": sent["token"]})
    shown = me.ask("get", "/user/")
    assert (shown["mobile"], shown["email"], shown["email_active"]) == ("138****0021", "me@example.com", True)


def test_a_token_of_before_is_good() -> None:
    me = visitor()
    me.token = kept("token")
    assert me.ask("get", "/user/")["username"] == BOUND


@pytest.mark.parametrize(("username", "mobile"), [TODAY, (BOUND, BOUND)])
def test_who_has_proved_the_number_lately_gets_a_new_password(username: str, mobile: str) -> None:
    me = visitor(username, mobile)
    assert me.forget()["message"] == "OK"
    me.sign_in(SECOND)
    assert me.token


def test_of_who_has_not_the_vendor_is_asked(phonebind: Configure) -> None:
    username, mobile = LONG_AGO
    refused = visitor(username, mobile).forget()
    assert (refused["code"], refused["non_field_errors"]) == ("owner_unclear", [refused["message"]])
    phonebind(number_state={"gateway": "sandbox"})
    me = visitor(username, mobile)
    me.forget(account=mobile)
    me.sign_in(PASSWORD)
    assert not me.token
    me.sign_in(SECOND)
    assert me.token


def test_a_page_of_ones_own_puts_the_question() -> None:
    """What the vendor said holds for a week."""
    me = visitor(*LONG_AGO)
    asked = me.forget(THIRD)
    assert asked["code"] == "owner_unclear"
    path, form = me.last_step
    me.ask("post", "/ownership/", {"ticket": asked["ticket"], "choice": "mine", "access_token": form["access_token"]})
    assert me.ask("post", path, form)["message"] == "OK"


def test_staff_get_none_by_sms() -> None:
    me = visitor()
    assert me.ask("get", "/accounts/staff/sms/token/", me.look())["code"] == "account_unknown"
    assert me.seen[-1][1] == 404


def test_a_first_sign_in_ends_in_an_account(person: Person) -> None:
    bound = bind(person)
    assert bound.status_code == 201, bound.content
    assert Client().get("/oauth/qq/user/", {"code": "CODE"}).json()["user_id"] == bound.json()["id"]


def test_what_is_done_here_goes_back_too() -> None:
    me = visitor("leaves", "13800000022")
    me.register()
    me.forget()
    me.sign_in(SECOND)
    Path("../again.json").write_text(json.dumps(me.token))
