"""Threat 45: an identity that was unbound stays unbound, in each app of the provider and by each way to sign in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from phonebind import binding, oauth, tokens
from phonebind.exceptions import TokenInvalid
from phonebind.models import SocialAccount
from phonebind.oauth import Identity
from server.users.models import User
from tests.support.edge import OPENID, UNIONID, Configure, Person, Upstream

APP, OTHER_APP, THIRD_APP = "101000001", "101000002", "101000003"
LIST = "/admin/phonebind/socialaccount/"


def row(owner: User, app_id: str, openid: str, unionid: str | None = UNIONID, provider: str = "qq") -> SocialAccount:
    fields = {"provider": provider, "app_id": app_id, "openid": openid, "unionid": unionid}
    return SocialAccount.objects.create(user=owner, **fields)


def identify() -> tuple[Identity, SocialAccount | None]:
    qq = oauth.web("qq")
    return binding.identify(qq, lambda: qq.exchange("CODE"))


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("ming", mobile="13900000001")


@pytest.fixture
def family(qq: Upstream, phonebind: Configure) -> Upstream:
    """Our app may read unionids, and the person at the keyboard has one."""
    phonebind(providers={"unionid": True})
    qq.person(unionid=UNIONID)
    return qq


def by_function(account: SocialAccount, admin: Client) -> None:
    binding.unbind(account)


def by_method(account: SocialAccount, admin: Client) -> None:
    account.delete()


def by_queryset(account: SocialAccount, admin: Client) -> None:
    SocialAccount.objects.filter(pk=account.pk).delete()


def by_admin(account: SocialAccount, admin: Client) -> None:
    url = reverse("admin:phonebind_socialaccount_delete", args=[account.pk])
    assert admin.post(url, {"post": "yes"}).status_code == 302


def by_admins_list(account: SocialAccount, admin: Client) -> None:
    form = {"action": "delete_selected", "_selected_action": [account.pk], "post": "yes"}
    assert admin.post(LIST, form).status_code == 302


def by_cascade(account: SocialAccount, admin: Client) -> None:
    account.user.delete()


EVERY_WAY = [by_function, by_method, by_queryset, by_admin, by_admins_list, by_cascade]
Way = Callable[[SocialAccount, Client], None]


@pytest.mark.parametrize("unbind", EVERY_WAY)
def test_threat_45_an_identity_does_not_come_back_by_another_app(
    family: Upstream, owner: User, admin_client: Client, unbind: Way
) -> None:
    here, _, _ = row(owner, APP, OPENID), row(owner, OTHER_APP, "E" * 32), row(owner, THIRD_APP, "D" * 32, None)
    unbind(here, admin_client)
    identity, account = identify()
    assert account is None, "it is asked for its mobile again"
    assert identity.unionid == UNIONID
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("unbind", EVERY_WAY[:-1])
def test_threat_45_nor_where_this_app_never_learnt_the_unionid(
    family: Upstream, owner: User, admin_client: Client, unbind: Way
) -> None:
    here, _ = row(owner, APP, OPENID, None), row(owner, OTHER_APP, "E" * 32)
    unbind(here, admin_client)
    assert identify()[1] is None


def test_others_stay(owner: User) -> None:
    here = row(owner, APP, OPENID)
    another = User.objects.create_user("hong", mobile="13900000002")
    kept = [
        row(owner, APP, "F" * 32, None),  # a second QQ in the same app is a second person
        row(owner, APP, "G" * 32, "another"),
        row(owner, OTHER_APP, "H" * 32, "another"),
        row(owner, OTHER_APP, "I" * 32, provider="wechat"),
        row(another, OTHER_APP, "E" * 32),  # bound separately, before the unionid was known
    ]
    binding.unbind(here)
    assert list(SocialAccount.objects.order_by("pk")) == kept


def test_all_of_them_at_once(owner: User) -> None:
    for app in (APP, OTHER_APP, THIRD_APP):
        row(owner, app, OPENID)
    SocialAccount.objects.all().delete()
    assert not SocialAccount.objects.exists()


def test_threat_45_a_sign_in_in_another_app_does_not_slip_past(family: Upstream, owner: User) -> None:
    """A person unbinds after the sign-in has read one of their rows, and before it makes another row from it."""
    row(owner, OTHER_APP, "E" * 32)
    first = iter([True])

    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = call(sql, params, many, context)
        if UNIONID in (params or ()) and "LIMIT 1" in sql and next(first, False):
            binding.unbind(SocialAccount.objects.get())
        return answer

    with connection.execute_wrapper(execute):
        assert identify()[1] is None
    assert not SocialAccount.objects.exists()


# ---------------------------------------------------------------- the tokens of the person end


@pytest.mark.parametrize("unbind", EVERY_WAY[:-1])
@pytest.mark.django_db(transaction=True)
def test_threat_45_the_users_tokens_end(owner: User, admin_client: Client, unbind: Way) -> None:
    account, old = row(owner, APP, OPENID), tokens.issue(owner)
    unbind(account, admin_client)
    with pytest.raises(TokenInvalid):
        tokens.refresh(old["refresh"])
    assert tokens.refresh(tokens.issue(owner)["refresh"])


@pytest.mark.django_db(transaction=True)
def test_threat_45_what_began_before_the_commit_ends_too(owner: User) -> None:
    account = row(owner, APP, OPENID)
    with transaction.atomic():
        binding.unbind(account)
        between = tokens.issue(owner)
    with pytest.raises(TokenInvalid):
        tokens.refresh(between["refresh"])


def test_after_unbinding_the_person_binds_anew(qq: Upstream, person: Person, owner: User) -> None:
    binding.unbind(row(owner, APP, OPENID))
    answer = person.callback()
    assert set(answer.json()) == {"access_token", "expires_in", "next", "nickname", "avatar"}
