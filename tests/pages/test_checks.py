"""The system check of the pages."""

import pytest
from django.core.checks import run_checks
from django.utils.module_loading import import_string
from pytest_django import Settings

from phonebind.pages.apps import NEEDED, check_middleware, check_replicas


def test_the_reference_server_has_what_the_pages_need() -> None:
    assert check_middleware() == []


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_middleware_is_told(settings: Settings, name: str) -> None:
    needed = import_string(name)
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not issubclass(import_string(path), needed)]
    found = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.E001"]
    assert [message.msg for message in found] == [f"The pages of phonebind need {name!r} in MIDDLEWARE."]


def test_a_function_is_a_middleware_too(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.views.decorators.common.no_append_slash"]
    assert check_middleware() == []


@pytest.mark.parametrize("router", ["PrimaryReplicaRouter", "SilentRouter"])
def test_w001_the_sessions_user_is_read_from_a_replica(settings: Settings, router: str) -> None:
    settings.DATABASE_ROUTERS = [f"tests.support.replicas.{router}"]
    [warning] = [message for message in run_checks(tags=["phonebind"]) if message.id == "phonebind_pages.W001"]
    assert "phonebind.databases.PrimaryRouter" in str(warning)
    settings.DATABASE_ROUTERS = ["phonebind.databases.PrimaryRouter", *settings.DATABASE_ROUTERS]
    assert check_replicas() == []
