"""What holds for every user model. ``test_user_models`` runs this for each kind; pytest does not collect it by itself.

Users are looked up by what the host stores, never through a function of phonebind.
"""

from importlib import import_module
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import connections
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from phonebind import binding, store
from phonebind.models import SocialAccount
from phonebind.tokens import Authentication
from tests.hosts.old_bindings import test_old_bindings_come_over
from tests.hosts.settings import KIND
from tests.pages.conftest import Shopper, shopper
from tests.support.edge import Configure, Person, Upstream, person, phonebind, qq, upstream

__all__ = ["person", "phonebind", "qq", "shopper", "test_old_bindings_come_over", "upstream"]

pytestmark = pytest.mark.django_db

MOBILE, OTHER_MOBILE = "13900000001", "13900000002"
PASSWORD = "horse-staple-9"
OLD_PASSWORD = "an old password that is longer than twenty characters"
STORED = {"plus_86": "+86{}", "phone_number": "+86{}"}
FIELD = str(settings.PHONEBIND.get("MOBILE_FIELD", "mobile"))
User: Any = get_user_model()


def stored(mobile: str) -> str:
    """The mobile as this host writes it."""
    hyphens = f"{mobile[:3]}-{mobile[3:7]}-{mobile[7:]}"
    return hyphens if KIND == "hyphens" else STORED.get(KIND, "{}").format(mobile)


def everybody() -> Any:
    return User._base_manager.all()


def user_with(mobile: str) -> Any:
    return everybody().get(**{FIELD: stored(mobile)})


def known(mobile: str = MOBILE, password: str | None = OLD_PASSWORD, **fields: Any) -> Any:
    """A user who had an account before."""
    extra: Any = getattr(import_module(f"tests.hosts.kinds.{KIND}"), "extra", lambda _: {})
    fields |= {FIELD: stored(mobile), **extra(mobile)}
    if User.USERNAME_FIELD == "username":
        fields["username"] = f"customer-{mobile}"
    user = User(**fields)
    user.set_password(password)
    user.save()
    return user


def disable(user: Any) -> None:
    """Disable the user as this host's operators do."""
    if any(field.name == "is_deleted" for field in User._meta.concrete_fields):
        everybody().filter(pk=user.pk).update(is_deleted=True)
    elif any(field.name == "is_active" for field in User._meta.get_fields()):
        user.is_active = False
        user.save()
    else:
        pytest.skip("nobody can be disabled here")


def form(person: Person, mobile: str = MOBILE, password: str = PASSWORD) -> dict[str, str]:
    """The bind form of a person who has come back from QQ for the first time, and has the SMS code."""
    ticket = person.callback().json()["access_token"]
    return {"mobile": mobile, "password": password, "sms_code": person.sms_code(mobile), "access_token": ticket}


def bind(person: Person, mobile: str = MOBILE, password: str = PASSWORD) -> Any:
    answer = person.bind(**form(person, mobile, password))
    assert answer.status_code == 201, answer.content
    return answer.json()


def sign_in(person: Person, mobile: str = MOBILE, password: str = PASSWORD) -> Any:
    data = {"username": mobile, "password": password}
    return person.http.post("/authorizations/", data, content_type="application/json")


def refresh(person: Person, token: str) -> Any:
    return person.http.post("/authorizations/refresh/", {"refresh": token}, content_type="application/json")


def is_refused(answer: Any, *statuses: int) -> None:
    assert answer.status_code in (statuses or (403,)), answer.content
    assert "token" not in answer.json()


def test_the_checks_have_nothing_to_say() -> None:
    assert [message for message in run_checks() if str(message.id).startswith("phonebind")] == []


def test_new_accounts_one_after_the_other(person: Person, qq: Upstream) -> None:
    for number in range(3):
        mobile = f"1390000001{number}"
        qq.person(openid=f"{number}" * 32)
        told = bind(Person(), mobile)
        user = user_with(mobile)
        assert (str(told["id"]), told["user_id"]) == (str(user.pk), told["id"])
        assert told["username"] == (str(user.get_username() or "") or mobile)
        assert user.check_password(PASSWORD)
        assert user.social_accounts.get().nickname == "小明"
    assert everybody().count() == 3


def test_a_new_password_has_the_contracts_length(person: Person, qq: Upstream) -> None:
    first = form(person)
    for password in ("short-7", "longer-than-20-characters"):
        answer = person.bind(**first | {"password": password})
        assert answer.json()["errors"] == {"password": ["The password must have 8 to 20 characters."]}
    assert everybody().count() == 0


def test_a_known_account_by_its_password(person: Person, qq: Upstream) -> None:
    user = known()
    first = form(person, password="a wrong one")
    answer = person.bind(**first)
    assert (answer.status_code, answer.json()["code"]) == (400, "password_wrong")
    answer = person.bind(**first | {"password": OLD_PASSWORD})
    assert (answer.status_code, str(answer.json()["id"])) == (201, str(user.pk))
    assert everybody().count() == 1


def test_an_account_without_a_password_by_its_sms_code(
    person: Person, qq: Upstream, phonebind: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    user = known(password=None)
    first = form(person)
    phonebind(bind_without_password=False)
    assert person.bind(**first).json()["code"] == "password_wrong"
    phonebind(bind_without_password=True)
    with caplog.at_level("INFO", "phonebind.audit"):
        assert str(person.bind(**first).json()["id"]) == str(user.pk)
    assert caplog.records[-1].proof == "sms_code"  # type: ignore[attr-defined]
    assert not everybody().get(pk=user.pk).has_usable_password()


def test_the_same_form_again(person: Person, qq: Upstream) -> None:
    first = form(person)
    answers = [person.bind(**first) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({str(answer.json()["id"]) for answer in answers}) == 1
    assert (everybody().count(), SocialAccount.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_double_click(person: Person, qq: Upstream) -> None:
    first, start, answers = form(person), Barrier(3), []

    def click() -> None:
        start.wait()
        answers.append(person.bind(**first).status_code)
        connections.close_all()

    threads = [Thread(target=click) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 3
    assert (everybody().count(), SocialAccount.objects.count()) == (1, 1)


def test_who_comes_back_is_signed_in(person: Person, qq: Upstream) -> None:
    first = bind(person)
    answer = person.callback()
    assert (answer.status_code, answer.json()["id"]) == (200, first["id"])
    assert answer.json()["username"] == first["username"]


def whose(token: str) -> Any:
    """The user that the host's own API reads from the token."""
    request: Any = APIRequestFactory().get("/", headers={"authorization": f"Bearer {token}"})
    user, _ = Authentication().authenticate(request) or (None, None)
    return user


def test_the_token_is_that_users(person: Person, qq: Upstream) -> None:
    assert whose(bind(person)["token"]) == user_with(MOBILE)


def test_a_refresh_token_works_once(person: Person, qq: Upstream) -> None:
    token = bind(person)["refresh"]
    assert refresh(person, token).status_code == 200
    is_refused(refresh(person, token), 401)


def test_the_mobile_and_the_password(person: Person, qq: Upstream) -> None:
    user = known()
    for spelling in (MOBILE, f"+86 {MOBILE}"):
        assert str(sign_in(person, spelling, OLD_PASSWORD).json()["id"]) == str(user.pk)
    is_refused(sign_in(person, MOBILE, "another one"), 401)
    is_refused(sign_in(person, OTHER_MOBILE, OLD_PASSWORD), 401)


def test_threat_51_who_is_disabled_stays_out_at_every_door(person: Person, qq: Upstream, shopper: Shopper) -> None:
    told, user = bind(person), user_with(MOBILE)
    shopper.http.force_login(user)
    disable(user)
    is_refused(person.callback())
    with pytest.raises(AuthenticationFailed):
        whose(told["token"])
    is_refused(sign_in(person))
    is_refused(refresh(person, told["refresh"]), 401, 403)
    assert shopper.come_back(shopper.start()["state"]).status_code == 403
    assert shopper.http.get("/login/done/").status_code == 303
    # The mobile is proved again, with another identity.
    qq.person(openid="F" * 32)
    with store.connection() as client:
        client.flushdb()
    is_refused(person.bind(**form(person)))
    assert everybody().count() == 1


def test_the_pages(shopper: Shopper, qq: Upstream) -> None:
    shopper.sign_in(MOBILE, PASSWORD)
    user = user_with(MOBILE)
    assert shopper.http.session["_auth_user_id"] == str(user.pk)
    assert "139****0001" in shopper.http.get("/login/done/").content.decode()
    shopper.http.logout()
    assert shopper.come_back(shopper.start()["state"]).status_code == 303
    assert shopper.http.session["_auth_user_id"] == str(user.pk)


def test_who_is_signed_in_binds_to_that_account(shopper: Shopper, qq: Upstream) -> None:
    user = known()
    shopper.http.force_login(user)
    url = shopper.arrive()
    page = shopper.http.get(url)
    assert "139****0001" in page.content.decode()
    answer = shopper.submit(url, shopper.inputs(page))
    assert answer.status_code == 303, answer.content
    assert [account.user_id for account in SocialAccount.objects.all()] == [user.pk]
    assert everybody().count() == 1


def test_the_admin(person: Person, qq: Upstream, shopper: Shopper) -> None:
    bind(person)
    account = SocialAccount.objects.get()
    operator = known(OTHER_MOBILE, is_staff=True, is_superuser=True)
    shopper.http.force_login(operator)
    for path in ("", f"{account.pk}/change/", f"{account.pk}/delete/", "?q=0123"):
        answer = shopper.http.get(f"/admin/phonebind/socialaccount/{path}")
        assert answer.status_code == 200, path
    assert "小明" in shopper.http.get("/admin/phonebind/socialaccount/").content.decode()


def test_unbinding_ends_what_was_given_out(person: Person, qq: Upstream) -> None:
    told = bind(person)
    binding.unbind(SocialAccount.objects.get())
    is_refused(refresh(person, told["refresh"]), 401)
    assert "access_token" in person.callback().json()
    assert everybody().count() == 1
