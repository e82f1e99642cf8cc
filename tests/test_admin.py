"""Staff can view bindings and release them. They can do nothing else."""

import pytest
from django.test import Client
from django.urls import reverse

from phonebind.models import SocialAccount
from server.users.models import User
from tests.support.edge import OPENID

pytestmark = pytest.mark.django_db

LIST = "/admin/phonebind/socialaccount/"


@pytest.fixture
def account() -> SocialAccount:
    owner = User.objects.create_user("ming", mobile="13900000001")
    fields = {"provider": "qq", "app_id": "1", "openid": OPENID, "nickname": "小明", "proved_by": "carrier:aliyun"}
    return SocialAccount.objects.create(user=owner, **fields)


def test_bindings_are_listed_and_found(admin_client: Client, account: SocialAccount) -> None:
    assert "小明" in admin_client.get(LIST).content.decode()
    assert "小明" in admin_client.get(LIST, {"q": OPENID}).content.decode()
    assert "小明" not in admin_client.get(LIST, {"q": "nobody"}).content.decode()


def test_a_binding_is_shown_and_nothing_in_it_can_be_edited(admin_client: Client, account: SocialAccount) -> None:
    page = admin_client.get(f"{LIST}{account.pk}/change/").content.decode()
    assert OPENID in page
    assert "carrier:aliyun" in page
    assert 'name="openid"' not in page
    assert 'name="proved_by"' not in page
    assert 'name="user"' not in page
    answer = admin_client.post(f"{LIST}{account.pk}/change/", {"openid": "F" * 32, "nickname": "other"})
    assert answer.status_code == 403
    account.refresh_from_db()
    assert (account.openid, account.nickname) == (OPENID, "小明")


def test_nobody_binds_by_hand(admin_client: Client) -> None:
    for answer in (admin_client.get(f"{LIST}add/"), admin_client.post(f"{LIST}add/", {"openid": OPENID})):
        assert answer.status_code == 403
    assert not SocialAccount.objects.exists()


def test_a_binding_is_released_and_the_user_stays(admin_client: Client, account: SocialAccount) -> None:
    url = reverse("admin:phonebind_socialaccount_delete", args=[account.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not SocialAccount.objects.exists()
    assert User.objects.filter(username="ming").exists()


def test_a_hostile_nickname_is_text(admin_client: Client, account: SocialAccount) -> None:
    SocialAccount.objects.update(nickname="<script>alert(1)</script>")
    assert b"<script>alert(1)" not in admin_client.get(LIST).content
