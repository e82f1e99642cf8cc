"""The contract as OpenAPI: it matches the code, and a host need not install the package that generates it."""

import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from pytest_django import Settings
from rest_framework.views import APIView

from phonebind import exceptions, tokens
from phonebind.api import urls
from phonebind.api.authorizations import PasswordView
from phonebind.api.base import View
from phonebind.api.keys import KeysView
from phonebind.api.urls import urlpatterns
from tests.support.dialects import Start, front_end

__all__ = ["front_end"]

SIGNED_IN = {"token", "refresh", "id", "user_id", "username"}
SENT = {"message", "resend_after", "expires_in"}
NOT_BOUND = {"access_token", "expires_in", "next", "nickname", "avatar"}
PROOF = {"mobile_proof", "mobile", "strength"}
#: By path and method: the parameters, the form's fields, the status of success, the fields of success.
CONTRACT: dict[tuple[str, str], tuple[set[str], set[str], int, list[set[str]]]] = {
    ("/oauth/", "get"): (set(), set(), 200, [{"ways", "elsewhere"}]),
    ("/oauth/{provider}/authorization/", "get"): ({"provider", "next", "state"}, set(), 200, [{"login_url"}]),
    ("/oauth/{provider}/user/", "get"): (
        {"provider", "code", "state", "error", "usercancel"},
        set(),
        200,
        [SIGNED_IN | {"next"}, NOT_BOUND],
    ),
    ("/oauth/{provider}/user/", "post"): (
        {"provider"},
        {"mobile", "password", "sms_code", "mobile_proof", "access_token", "second_identity"},
        201,
        [SIGNED_IN | {"next"}],
    ),
    ("/oauth/{provider}/native/", "post"): (
        {"provider"},
        {"code", "token", "nonce"},
        200,
        [SIGNED_IN | {"next"}, NOT_BOUND],
    ),
    ("/image_codes/{image_code_id}/", "get"): ({"image_code_id"}, set(), 200, []),
    ("/human_checks/{mobile}/", "get"): ({"mobile", "without_image"}, set(), 200, [{"image", "human_check"}]),
    ("/sms_codes/{mobile}/", "get"): (
        {"mobile", "image_code_id", "text", "human_check", "without_image", "access_token", "purpose", "flow"},
        set(),
        200,
        [SENT],
    ),
    ("/sms_codes/{mobile}/", "post"): (
        {"mobile"},
        {"image_code_id", "text", "human_check", "without_image", "access_token", "purpose", "flow"},
        200,
        [SENT],
    ),
    ("/mobile_proofs/", "post"): (
        set(),
        {"source", "token", "carrier", "access_token"},
        200,
        [{"mobile_proof", "mobile", "strength", "expires_in"}],
    ),
    ("/sms_receipts/{receipt}/", "get"): ({"receipt"}, set(), 200, [{"state", "reason", "message"}]),
    ("/authorizations/", "post"): (set(), {"username", "password"}, 200, [SIGNED_IN]),
    ("/authorizations/refresh/", "post"): (set(), {"refresh"}, 200, [{"token", "refresh"}]),
}
#: By path and method: the fields of each answer that are not always present. Where it is not listed, there are none.
SOMETIMES = {
    ("/oauth/{provider}/native/", "post"): [set(), PROOF],
    ("/sms_codes/{mobile}/", "get"): [{"receipt"}],
    ("/sms_codes/{mobile}/", "post"): [{"receipt"}],
}
OUTCOMES = {
    (kind.status, kind.code) for name in exceptions.__all__ if hasattr(kind := getattr(exceptions, name), "code")
}

to_every_operation = pytest.mark.parametrize(("path_", "method"), CONTRACT)


def generate(*patterns: URLPattern) -> Any:
    return SchemaGenerator(patterns=patterns).get_schema(public=True)  # type: ignore[no-untyped-call]


@cache
def schema() -> Any:
    return generate(*urlpatterns)


def resolved(part: Any) -> Any:
    """The component that a reference points to; any other part is returned unchanged."""
    return schema()["components"]["schemas"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part


def fields(part: Any) -> set[str]:
    """The fields of an object that are always present."""
    return set(resolved(part)["required"])


def sometimes(part: Any) -> set[str]:
    """The other fields of an object."""
    return set(resolved(part)["properties"]) - fields(part)


def codes(operation: Any) -> set[tuple[int, str]]:
    found = set()
    for status, answer in operation["responses"].items():
        if int(status) >= 400 and status != "405":
            [content] = answer["content"].values()
            error, ours = content["schema"]["allOf"]
            assert {"code", "message"} <= set(resolved(error)["properties"])
            assert ("Retry-After" in answer.get("headers", {})) == (status in ("429", "502", "503"))
            assert (ours.get("required") == ["retry_after"]) == (status in ("429", "503"))
            found |= {(int(status), code) for code in ours["properties"]["code"]["enum"]}
    return found


def test_its_operations_are_those_of_the_contract() -> None:
    found = {(path_, method) for path_, methods in schema()["paths"].items() for method in methods}
    assert found == set(CONTRACT)


@to_every_operation
def test_an_operation_takes_and_gives_what_the_contract_says(path_: str, method: str) -> None:
    operation = schema()["paths"][path_][method]
    parameters, form, status, answers = CONTRACT[path_, method]
    assert {parameter["name"] for parameter in operation.get("parameters", [])} == parameters
    if form:
        content = operation["requestBody"]["content"]
        assert set(content) == {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
        assert [set(resolved(kind["schema"])["properties"]) for kind in content.values()] == [form] * 3
    assert [code for code in operation["responses"] if int(code) < 400] == [str(status)]
    [(media_type, content)] = operation["responses"][str(status)]["content"].items()
    assert media_type == ("application/json" if answers else "image/jpeg")
    answer = resolved(content["schema"])
    kinds = answer.get("oneOf", [answer] if answers else [])
    assert [fields(kind) for kind in kinds] == answers
    assert [sometimes(kind) for kind in kinds] == SOMETIMES.get((path_, method), [set() for _ in kinds])


@to_every_operation
def test_an_operation_refuses_with_codes_that_there_are(path_: str, method: str) -> None:
    operation = schema()["paths"][path_][method]
    assert {(400, "invalid")} <= codes(operation) <= OUTCOMES
    assert "405" in operation["responses"]


def test_every_code_is_some_operations() -> None:
    found = {
        code for methods in schema()["paths"].values() for operation in methods.values() for code in codes(operation)
    }
    assert found == OUTCOMES


def test_what_vendors_send_is_no_part_of_it() -> None:
    assert [path_ for path_ in schema()["paths"] if "secret" in path_] == []


def test_no_name_in_it_meets_one_of_the_hosts() -> None:
    operations = [operation for methods in schema()["paths"].values() for operation in methods.values()]
    assert all(operation["operationId"].startswith("phonebind_") for operation in operations)
    assert all(name.startswith("Phonebind") for name in schema()["components"]["schemas"])


@pytest.mark.parametrize("word", ["tutorial", "session"])
def test_it_tells_of_the_contract_whichever_dialect_the_front_end_speaks(front_end: Start, word: str) -> None:
    front_end(word)
    assert len(urls.urlpatterns) > len(urlpatterns)
    assert generate(*urls.urlpatterns) == schema()


def test_it_is_served() -> None:
    answer = Client().get("/schema/", {"format": "json"})
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == schema()["paths"].keys() | {"/.well-known/jwks.json"}


def test_the_public_keys_are_described_where_a_host_publishes_them() -> None:
    found = generate(path("keys.json", KeysView.as_view()))
    operation = found["paths"]["/keys.json"]["get"]
    assert (operation["operationId"], operation["tags"], set(operation["responses"])) == (
        *("phonebind_keys", ["phonebind"]),
        {"200"},
    )
    assert operation["security"] == [{}]
    shown = found["components"]["schemas"]["PhonebindJWK"]
    assert shown["required"] == ["alg", "kid", "kty", "use"]


class Stricter(PasswordView):
    """A view of a host, derived from ours."""


class Theirs(View):
    """One more view, which the contract does not contain."""

    def get(self) -> None: ...


def test_a_view_that_a_host_derives_is_described_like_ours() -> None:
    found = generate(path("theirs/", Theirs.as_view()), path("in/", Stricter.as_view()))["paths"]
    assert codes(found["/in/"]["post"]) == codes(schema()["paths"]["/authorizations/"]["post"])
    assert found["/theirs/"]["get"]["operationId"] == "theirs_retrieve"


def test_a_host_without_drf_spectacular_is_left_alone(settings: Settings) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "drf_spectacular"]
    apps.get_app_config("phonebind").ready()


WITHOUT = """
import sys
sys.modules["drf_spectacular"] = None
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x" * 50,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "phonebind"],
)
django.setup()
from phonebind.api import urls
print(len(urls.urlpatterns))
"""


def test_nothing_of_it_is_needed() -> None:
    command = [sys.executable, "-W", "error", "-c", WITHOUT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "12\n", done.stderr


@pytest.mark.parametrize("kind", [tokens.Authentication, tokens.OptionalAuthentication])
def test_a_hosts_own_view_says_that_it_takes_our_tokens(kind: type, capsys: pytest.CaptureFixture[str]) -> None:
    class Orders(APIView):
        authentication_classes = (kind,)

        @extend_schema(responses={204: None})
        def get(self, request: Any) -> Any: ...

    schema = SchemaGenerator(patterns=[path("orders/", Orders.as_view())]).get_schema(public=True)  # type: ignore[no-untyped-call]
    assert {"jwtAuth": []} in schema["paths"]["/orders/"]["get"]["security"]
    assert schema["components"]["securitySchemes"]["jwtAuth"]["scheme"] == "bearer"
    assert "could not resolve authenticator" not in capsys.readouterr().err
