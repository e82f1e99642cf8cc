"""SocialAccount, and the constraints that decide races."""

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.backends.dummy.base import DatabaseWrapper

from phonebind.exceptions import ProviderUnavailable
from phonebind.models import SocialAccount, validate_mobile
from phonebind.oauth import Identity
from server.users.models import User

pytestmark = pytest.mark.django_db

LOOKALIKES = [
    "openid",
    "OPENID",
    "Openid",
    "ópenid",
    "openíd",
    "openid\u0301",
    "ｏｐｅｎｉｄ",
    "oṗenid",
    "openıd",
    "ߧpenid",
]


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ming", mobile="13900000001")


def _bind(user: User, openid: str = "openid", unionid: str | None = None, app_id: str = "1") -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider="qq", app_id=app_id, openid=openid, unionid=unionid)


def test_threat_4_ids_that_look_alike_are_different_people(user: User) -> None:
    """CVE-2024-32879: with MariaDB's default collation, "openid", "OPENID" and "ópenid" were one person."""
    accounts = {openid: _bind(user, openid, unionid=openid) for openid in LOOKALIKES}
    for openid, account in accounts.items():
        assert SocialAccount.objects.get(openid=openid) == account
        assert SocialAccount.objects.get(unionid=openid) == account


class MySQL(DatabaseWrapper):
    """Implements only what a field asks for. MySQL itself is tested where it is the database of the tests."""

    vendor = "mysql"


def test_threat_4_on_mysql_that_takes_a_collation_of_its_own() -> None:
    field = SocialAccount._meta.get_field("openid")
    assert field.db_parameters(MySQL({}))["collation"] == "utf8mb4_bin"


@pytest.mark.parametrize("field", ["provider", "app_id"])
def test_threat_4_so_are_providers_and_apps(user: User, field: str) -> None:
    for value in ("qq", "QQ", "qq\u0301"):
        SocialAccount.objects.create(**{"user": user, "provider": "p", "app_id": "a", "openid": "o", field: value})
    assert SocialAccount.objects.filter(**{field: "qq"}).count() == 1


@pytest.mark.parametrize("openid", ["A ", " A", "A\n", "A\u00a0", "é", "", "A\x00", "\ud800", "Ａ", "A" * 256])
def test_threat_4_no_id_is_taken_that_some_database_would_pad_trim_or_fold(openid: str) -> None:
    with pytest.raises(ProviderUnavailable):
        Identity("qq", "1", openid)
    if openid:
        with pytest.raises(ProviderUnavailable):
            Identity("qq", "1", "A", unionid=openid)


def test_threat_5_an_identity_belongs_to_one_account(user: User) -> None:
    _bind(user)
    other = User.objects.create_user("hong", mobile="13900000002")
    with pytest.raises(IntegrityError), transaction.atomic():
        _bind(other)
    _bind(other, app_id="2")


def test_threat_5_a_mobile_belongs_to_one_account(user: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("hong", mobile=user.mobile)


def test_a_unionid_is_shared_between_the_apps_of_one_person(user: User) -> None:
    _bind(user, "a", unionid="U")
    _bind(user, "b", unionid="U", app_id="2")
    _bind(user, "c")
    _bind(user, "d")


def test_accounts_without_a_mobile_do_not_clash() -> None:
    User.objects.create_user("ming")
    User.objects.create_user("hong")


def test_a_binding_goes_with_its_user(user: User) -> None:
    _bind(user)
    user.delete()
    assert not SocialAccount.objects.exists()


def test_a_binding_says_whose_it_is(user: User) -> None:
    assert str(_bind(user)) == "qq:openid"
    assert user.social_accounts.count() == 1


@pytest.mark.parametrize("mobile", ["13000000000", "19999999999"])
def test_a_mobile_of_eleven_digits(mobile: str) -> None:
    validate_mobile(mobile)


@pytest.mark.parametrize(
    "mobile",
    [
        "",
        "1380000000",
        "138000000011",
        "12800000001",
        "23800000001",
        " 13800000001",
        "13800000001\n",
        "+8613800000001",
        "138 0000 0001",
        "１３８００００００００１",
        "1380000000\u0661",
        "13800000001\x00",
    ],
)
def test_anything_else_is_no_mobile(mobile: str) -> None:
    with pytest.raises(ValidationError):
        validate_mobile(mobile)
    with pytest.raises(ValidationError):
        get_user_model()(username="ming", mobile=mobile or "x").clean_fields(exclude=["password"])


def test_what_is_found_is_what_the_orm_finds(user: User) -> None:
    """The value of a column depends on the database. In Python it is always the value that the field returns."""
    made = _bind(user, "OPENID", unionid="UID")
    found = SocialAccount.objects.find(provider="qq", app_id="1", openid="OPENID")
    assert found == made
    assert found.unionid == "UID"
    expected = User.objects.get(pk=user.pk)
    for field in User._meta.concrete_fields:
        value = getattr(found.user, field.attname)
        assert (type(value), value) == (type(getattr(expected, field.attname)), getattr(expected, field.attname))
    assert not found.user._state.adding
    found.user.first_name = "明"
    found.user.save()
    assert User.objects.get().first_name == "明"


def test_what_a_sign_in_needs_not_comes_when_asked_for(user: User) -> None:
    made = _bind(user)
    found = SocialAccount.objects.find(provider="qq", app_id="1", openid="openid")
    assert found is not None
    assert found.get_deferred_fields() == {"nickname", "proved_by", "created_at", "updated_at"}
    assert found.created_at == made.created_at


@pytest.mark.parametrize(("provider", "app_id", "openid"), [("wechat", "1", "openid"), ("qq", "2", "openid")])
def test_nobody_is_found_for_another_provider_or_app(user: User, provider: str, app_id: str, openid: str) -> None:
    _bind(user)
    assert SocialAccount.objects.find(provider=provider, app_id=app_id, openid=openid) is None
