"""``manage.py check`` reports a user model that we do not support. Without it, the second customer would get a 500."""

from typing import Any

import pytest
from django.test.utils import isolate_apps
from pytest_django import Settings

from phonebind import token_checks, user_checks
from phonebind.checks import CHECKS

pytestmark = pytest.mark.once


class Obtain:
    @classmethod
    def get_token(cls, user: Any) -> Any:
        raise NotImplementedError


HEAD = """
from uuid import uuid4
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.db.models.signals import pre_save

MOBILE = dict(max_length=11, unique=True, null=True)
class Tenant(models.Model):
    pass
"""
USER = """
class User(AbstractUser):
    mobile = models.CharField(**MOBILE)
"""
SERIALIZERS = "rest_framework_simplejwt.serializers"
EMAIL = """
    contact = models.EmailField()
    class Meta:
        constraints = """
VALIDATES = """
    def save(self, *args, **kwargs):
        self.full_clean()
        super().save(*args, **kwargs)
"""
FILLS_IN = """
def fill_in(instance, **kwargs):
    pass
pre_save.connect(fill_in, sender=User)
"""
FILLED_IN = """
    a = models.UUIDField(unique=True, default=uuid4)
    b = models.CharField(max_length=8, null=True, unique=True)
    c = models.DateTimeField(auto_now=True)
    d = models.IntegerField(db_default=1)
    e = models.GeneratedField(expression=models.F("d"), output_field=models.IntegerField(), db_persist=True)
"""
NAMED = """
    def __str__(self):
        return self.email or self.mobile
"""
BARE = """
class User(AbstractBaseUser):
    mobile = models.CharField(**MOBILE)
"""


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        pytest.param(USER, {}, {}, id="django's own with a mobile"),
        pytest.param("class User(AbstractUser): pass", {}, {"E003": "no field 'mobile'"}, id="no mobile"),
        pytest.param(
            "class User(AbstractUser):\n    mobile = models.CharField(max_length=11)",
            {},
            {"E003": "must be unique"},
            id="mobile not unique",
        ),
        pytest.param(
            "class User(AbstractUser):\n    mobile = models.BigIntegerField(unique=True)",
            {},
            {"E003": "CharField for 11"},
            id="mobile a number",
        ),
        pytest.param(USER, {"MOBILE_FORMAT": "+86{}"}, {"E003": "CharField for 14"}, id="no room for +86"),
        pytest.param(
            """
class User(AbstractUser):
    mobile = models.CharField(max_length=11, null=True)
    deleted = models.BooleanField(default=False)
    class Meta:
        constraints = [models.UniqueConstraint(fields=["mobile"], condition=models.Q(deleted=False), name="u")]
""",
            {},
            {"E003": "must be unique"},
            id="unique among some only",
        ),
        pytest.param(
            """
class User(AbstractUser):
    mobile = models.CharField(max_length=11, null=True)
    class Meta:
        constraints = [models.UniqueConstraint(fields=["mobile"], name="u")]
""",
            {},
            {},
            id="unique by a constraint",
        ),
        pytest.param(
            BARE + "    email = models.EmailField(unique=True)\n    USERNAME_FIELD = 'email'",
            {},
            {"E006": "must not be empty"},
            id="e-mail must be there",
        ),
        pytest.param(
            BARE + "    email = models.EmailField(unique=True, null=True)\n    USERNAME_FIELD = 'email'",
            {},
            {"W013": "str() of a new account"},
            id="e-mail is the name, and new accounts have none",
        ),
        pytest.param(
            BARE + "    email = models.EmailField(unique=True, null=True)\n    USERNAME_FIELD = 'email'\n" + NAMED,
            {},
            {},
            id="e-mail, and another name",
        ),
        pytest.param(
            BARE + "    email = models.EmailField(unique=True)\n    USERNAME_FIELD = 'email'",
            {"ACCOUNT_FACTORY": lambda request, identity, fields: None},
            {},
            id="e-mail by a factory",
        ),
        pytest.param(
            BARE + "    nick = models.CharField(max_length=12, unique=True)\n    USERNAME_FIELD = 'nick'",
            {},
            {"E006": "CharField for 18"},
            id="username too short",
        ),
        pytest.param(
            BARE + "    number = models.IntegerField(unique=True)\n    USERNAME_FIELD = 'number'",
            {},
            {"E006": "CharField for 18"},
            id="username a number",
        ),
        pytest.param(
            BARE + "    uid = models.BigAutoField(primary_key=True)\n    USERNAME_FIELD = 'mobile'",
            {},
            {"E008": "'id'"},
            id="key not called id",
        ),
        pytest.param(
            USER, {"SIMPLE_JWT": {"TOKEN_OBTAIN_SERIALIZER": "shop.no.Such"}}, {"E008": "no token"}, id="no serializer"
        ),
        pytest.param(
            USER, {"SIMPLE_JWT": {"TOKEN_OBTAIN_SERIALIZER": "os.path.join"}}, {"E008": "no token"}, id="no get_token"
        ),
        pytest.param(USER, {"ACCOUNT_FACTORY": "shop.no.such"}, {"E010": "such' cannot be imported"}, id="no factory"),
        pytest.param(USER, {"ACCOUNT_FACTORY": 1}, {"E010": "no function"}, id="factory a number"),
        pytest.param(
            USER,
            {"MOBILE_FORMAT": ("os.path.join", "shop.no.such")},
            {"E010": "such' cannot be imported"},
            id="half a pair",
        ),
        pytest.param(USER, {"MOBILE_FORMAT": "+86"}, {"E001": "MOBILE_FORMAT"}, id="no place"),
        pytest.param(USER, {"MOBILE_FORMAT": "{x}"}, {"E001": "MOBILE_FORMAT"}, id="format of another"),
        pytest.param(USER, {"MOBILE_FORMAT": "{}{}"}, {"E001": "MOBILE_FORMAT"}, id="two places"),
        pytest.param(USER, {"MOBILE_FORMAT": ("a",)}, {"E001": "MOBILE_FORMAT"}, id="one function"),
        pytest.param(
            USER + "    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE)",
            {},
            {"E011": "tenant must not be null"},
            id="a tenant",
        ),
        pytest.param(
            USER + "    code = models.CharField(max_length=8, unique=True)",
            {},
            {"E011": "code must be"},
            id="equal texts",
        ),
        pytest.param(
            USER
            + "    code = models.CharField(max_length=8, default='')\n    level = models.IntegerField(default=1)\n"
            + "    class Meta:\n        unique_together = [('code', 'level')]",
            {},
            {"E011": "code, level must be"},
            id="equal together",
        ),
        pytest.param(
            USER + "    code = models.CharField(max_length=8, unique=True)\n"
            "    def save(self, *args, **kwargs):\n        super().save(*args, **kwargs)",
            {},
            {"W009": "code must be"},
            id="save may fill it in",
        ),
        pytest.param(
            USER + "    code = models.CharField(max_length=8, unique=True)\n" + FILLS_IN,
            {},
            {"W009": "code must be"},
            id="a receiver may fill it in",
        ),
        pytest.param(
            USER + EMAIL + "[models.UniqueConstraint(Lower('contact'), name='u')]",
            {},
            {"E011": "contact must be unique"},
            id="equal by an expression",
        ),
        pytest.param(
            USER + EMAIL + "[models.UniqueConstraint(models.F('contact'), name='u')]",
            {},
            {"E011": "contact must be unique"},
            id="equal by a field as expression",
        ),
        pytest.param(
            USER + EMAIL + "[models.UniqueConstraint(fields=['contact'], condition=models.Q(is_active=1), name='u')]",
            {},
            {"W009": "contact must be unique where"},
            id="equal under a condition",
        ),
        pytest.param(
            USER + "    city = models.CharField(max_length=8)\n" + VALIDATES,
            {},
            {"W009": "city must not be blank"},
            id="blank, and validated",
        ),
        pytest.param(USER, {"MOBILE_FORMAT": (str.upper, str.title)}, {}, id="two functions that undo each other"),
        pytest.param(
            USER, {"MOBILE_FORMAT": (lambda m: f"+86{m}", str)}, {"E003": "14", "E010": "makes"}, id="no way back"
        ),
        pytest.param(USER, {"MOBILE_FORMAT": (int, len)}, {"E010": "TypeError"}, id="a function that fails"),
        pytest.param(USER, {"MOBILE_FORMAT": (len, str)}, {"E010": "makes"}, id="the other fails"),
        pytest.param(USER, {"MOBILE_FORMAT": (divmod, str)}, {"E010": "TypeError"}, id="the first fails"),
        pytest.param(
            USER, {"SIMPLE_JWT": {"TOKEN_OBTAIN_SERIALIZER": f"{__name__}.Obtain"}}, {}, id="a serializer of its own"
        ),
        pytest.param(
            USER,
            {"SIMPLE_JWT": {"TOKEN_OBTAIN_SERIALIZER": f"{SERIALIZERS}.TokenObtainSlidingSerializer"}},
            {"E008": "no token"},
            id="sliding tokens",
        ),
        pytest.param(
            USER,
            {"SIMPLE_JWT": {"TOKEN_OBTAIN_SERIALIZER": f"{SERIALIZERS}.TokenObtainPairSerializer"}},
            {},
            id="pairs",
        ),
        pytest.param(USER + FILLED_IN, {}, {}, id="all filled in"),
    ],
)
def test_what_the_checks_say_of(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, model: str, given: dict[str, Any], expected: dict[str, str]
) -> None:
    settings.SIMPLE_JWT = given.get("SIMPLE_JWT", {})
    settings.PHONEBIND = settings.PHONEBIND | {name: value for name, value in given.items() if name != "SIMPLE_JWT"}
    with isolate_apps("server.users"):
        shop: dict[str, Any] = {"__name__": "server.users.models"}
        exec(HEAD + model, shop)  # noqa: S102 - our own code
        for checks in (token_checks, user_checks):
            monkeypatch.setattr(checks, "get_user_model", lambda: shop["User"])
        found = {str(message.id).removeprefix("phonebind."): message.msg for check in CHECKS for message in check()}
    assert found.keys() == expected.keys(), found
    for name, words in expected.items():
        assert words in found[name]
