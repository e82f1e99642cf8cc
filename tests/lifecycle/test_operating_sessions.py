"""What operators and integrators see: the admin, the system checks, the schema."""

import importlib
from typing import Any

import pytest
from django.apps import apps as django_apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone, translation
from drf_spectacular.generators import SchemaGenerator

from phonebind import tokens
from phonebind.api.base import View
from phonebind.exceptions import TokenInvalid, TooManyRequests
from phonebind.lifecycle import apps as lifecycle_apps
from phonebind.lifecycle import checks, urls
from phonebind.lifecycle.api import schema
from phonebind.lifecycle.models import MobileChange, MobileProof, Session
from tests.lifecycle.conftest import MOBILE

pytestmark = pytest.mark.django_db(transaction=True)
ADMIN = "/admin/phonebind_lifecycle"


@pytest.fixture
def rows(person: Any) -> Any:
    """One session of each kind, all of one person; and one session of another person."""
    now = timezone.now()
    MobileProof.objects.create(user=person, mobile=MOBILE, first_proved_at=now, last_proved_at=now)
    MobileChange.objects.create(user=person, mobile="13900000009", requested_at=now, due_at=now)
    tokens.issue(person)
    other: Any = get_user_model().objects.create_user(username="other", mobile="13900000002", password="x")
    tokens.issue(other)
    return person


@pytest.mark.parametrize("name", ["session", "mobileproof", "mobilechange"])
@pytest.mark.parametrize("term", [MOBILE, f" {MOBILE} "])
def test_whole_numbers_and_names_are_found_and_parts_are_not(
    rows: Any, admin_client: Client, name: str, term: str
) -> None:
    def count(term: str) -> int:
        found: int = admin_client.get(f"{ADMIN}/{name}/", {"q": term}).context["cl"].result_count
        return found

    assert count(term) == 1
    assert count(MOBILE[:-1]) == 0
    assert count("") >= 1


def test_a_number_that_is_only_proved_or_asked_for_is_found(rows: Any, admin_client: Client) -> None:
    assert admin_client.get(f"{ADMIN}/mobilechange/", {"q": "13900000009"}).context["cl"].result_count == 1


@pytest.mark.parametrize("model", [Session, MobileProof, MobileChange])
def test_nothing_is_edited_there(rows: Any, admin_client: Client, model: Any) -> None:
    row = model.objects.first()
    base = f"{ADMIN}/{model._meta.model_name}"
    page = admin_client.get(f"{base}/{row.pk}/change/")
    assert page.status_code == 200
    assert b'type="submit" value="Save"' not in page.content
    assert admin_client.post(f"{base}/{row.pk}/change/", {}).status_code == 403
    assert admin_client.get(f"{base}/add/").status_code == 403
    assert admin_client.post(f"{base}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def act(client: Client, session: Session) -> Any:
    form = {"action": "end_sessions", "_selected_action": [str(session.pk)]}
    return client.post(f"{ADMIN}/session/", form)


def test_an_operator_ends_the_sessions_that_were_chosen(rows: Any, admin_client: Client) -> None:
    session = Session.objects.get(user=rows)
    assert act(admin_client, session).status_code == 302
    session.refresh_from_db()
    assert session.end_reason == "revoked"
    assert Session.objects.filter(ended_at=None).count() == 1


@pytest.mark.parametrize(("permissions", "ends"), [(["view"], False), (["view", "change"], True)])
def test_who_may_only_look_ends_none(rows: Any, permissions: list[str], ends: bool) -> None:
    staff: Any = get_user_model().objects.create_user(username="staff", password="x", is_staff=True)
    codes = [f"{each}_session" for each in permissions]
    staff.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(staff)
    session = Session.objects.get(user=rows)
    act(client, session)
    session.refresh_from_db()
    assert bool(session.ended_at) is ends


def ids(check: Any) -> list[str | None]:
    return [message.id for message in check()]


def test_urls_that_are_not_served_are_told_of(settings: Any) -> None:
    assert ids(checks.check_urls) == []
    settings.ROOT_URLCONF = "phonebind.api.urls"
    assert ids(checks.check_urls) == ["phonebind.W101"]
    settings.ROOT_URLCONF = "tests.no_such_urls"
    assert ids(checks.check_urls) == []
    del settings.ROOT_URLCONF
    assert ids(checks.check_urls) == []


def test_a_middleware_that_asks_nobody_is_told_of(settings: Any, phonebind: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "phonebind.pages"]
    settings.MIDDLEWARE = ["django.contrib.auth.middleware.AuthenticationMiddleware", "no.such", "json.dumps"]
    assert ids(checks.check_middleware) == []
    phonebind(FRONT_END="session")
    assert ids(checks.check_middleware) == ["phonebind.W102"]
    settings.MIDDLEWARE = ["phonebind.pages.middleware.AuthenticationMiddleware"]
    assert ids(checks.check_middleware) == []


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """What the schema says of each address."""
    generator: Any = SchemaGenerator
    paths: dict[str, Any] = generator().get_schema(request=None, public=True)["paths"]
    return paths


def views() -> list[Any]:
    return [pattern.callback.view_class for pattern in urls.urlpatterns]


@pytest.mark.parametrize("view", views(), ids=lambda view: view.__name__)
def test_every_operation_is_in_the_schema(view: type[View]) -> None:
    methods = {name for name in view.http_method_names if hasattr(view, name)}
    assert set(schema.OPERATIONS[view]) == methods


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/oauth/{provider}/authorization/", "401", "token_invalid"),
        ("post", "/oauth/{provider}/user/", "401", "insufficient_user_authentication"),
        ("post", "/oauth/{provider}/user/", "409", "owner_unclear"),
        ("post", "/oauth/{provider}/user/", "409", "identity_exists"),
        ("post", "/authorizations/refresh/", "401", "session_ended"),
        ("get", "/account/sms_codes/", "401", "insufficient_user_authentication"),
        ("post", "/account/verifications/", "401", "insufficient_user_authentication"),
        ("put", "/account/mobile/", "409", "mobile_kept"),
    ],
)
def test_what_is_answered_with_the_app_is_told_with_an_example(
    described: dict[str, Any], method: str, path: str, status: str, code: str
) -> None:
    answer = described[path][method]["responses"][status]
    assert code in answer["description"].split(", ")
    assert answer["content"]["application/json"]["examples"][code.title().replace("_", "")]["value"]["code"] == code


def test_examples_are_what_is_answered() -> None:
    told = schema.example(TokenInvalid)
    with translation.override("en"):
        message = str(TokenInvalid.message)
    assert (told.name, told.value) == ("token_invalid", {"code": "token_invalid", "message": message})
    assert schema.example(TooManyRequests).value["retry_after"] == 60


def test_a_host_without_a_schema_loads_none(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = importlib.import_module

    def look(name: str) -> Any:
        loaded.append(name)
        return load(name)

    monkeypatch.setattr(lifecycle_apps, "import_module", look)
    for installed in (settings.INSTALLED_APPS, [name for name in settings.INSTALLED_APPS if name != "drf_spectacular"]):
        loaded.clear()
        settings.INSTALLED_APPS = installed
        django_apps.get_app_config("phonebind_lifecycle").ready()
        assert ("phonebind.lifecycle.api.schema" in loaded) is ("drf_spectacular" in installed)
