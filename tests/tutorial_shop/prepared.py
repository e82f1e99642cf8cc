"""The new code over the old shop's database, before the day: the guide's commands; what they write stays."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker

from tests.tutorial_shop.old import EARLY, model
from tests.tutorial_shop.shop import commands

LOOK, WRITE = commands("phonebind_import")


@pytest.fixture(scope="module", autouse=True)
def _database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


def test_the_migrations_make_blank_mobiles_null() -> None:
    for command in commands("migrate"):
        call_command(*command, verbosity=0)
    users = model("users.User").objects
    assert not users.filter(mobile="").exists()
    assert users.filter(mobile=None).count() == 4
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_an_import_looks_first() -> None:
    bindings = model("phonebind.SocialAccount").objects.values_list("user__mobile", "openid")
    call_command(*LOOK)
    assert list(bindings.all()) == []
    call_command(*WRITE)
    assert list(bindings.all()) == [EARLY]
