"""The pages of the account life say what the code says. A new project that follows them has all of it."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.dispatch import Signal
from django.urls import resolve
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from phonebind import exceptions, signals
from phonebind.conf import NAMES
from phonebind.lifecycle import exceptions as life_exceptions
from phonebind.lifecycle import urls
from phonebind.lifecycle.api.schema import MORE
from tests.support.documents import LANGUAGES, code, column, named, read, rows, section
from tests.support.startproject import blocks, manage, paste, start, write

PAGE = "docs/en/how-to/account-life.md"
HOW_TO, API = read("how-to/account-life"), read("reference/account-api")
METHODS = "GET|POST|PUT|DELETE"
#: Messages of Django REST framework or the model, in their own words.
OTHERS_WORDS = {"invalid"}
#: Values for the parts of a path.
VALUES = {"session_id": "23a4d3d0-9c98-4171-af9b-726336e39290", "identity_id": "1", "reset_id": "R", "provider": "qq"}


def examples() -> list[str]:
    return [
        block for block in code("reference/account-api", "text") if re.match(rf"(?:{METHODS}) /|[0-9]{{3}} ", block)
    ]


def path_of(told: str) -> str:
    """The path of an address that the page writes as ``/account/sessions/{session_id}/``."""
    return told.format(**VALUES)


def sections(text: str) -> list[str]:
    """The sections of single endpoints. The first two sections are about all endpoints."""
    return text.split("\n## ")[3:]


def kinds() -> dict[str, Any]:
    found = [getattr(module, name) for module in (exceptions, life_exceptions) for name in module.__all__]
    return {kind.code: kind for kind in found if hasattr(kind, "code") and kind is not life_exceptions.QuestionInvalid}


def test_every_address_is_there_and_every_request_leads_somewhere() -> None:
    asked = re.findall(rf"\b(?:{METHODS}) (/[\w{{}}/.-]*)", API)
    routes = {resolve(path_of(path)).url_name for path in asked}
    assert {str(pattern.name) for pattern in urls.urlpatterns} <= routes
    for path in re.findall(rf"\b(?:{METHODS}) (/[\w/.-]*)", HOW_TO):
        resolve(path)


def operations() -> Iterator[tuple[str, set[str], set[str]]]:
    """Each endpoint of the app: its name on the page, and its fields and errors in OpenAPI."""
    schema = SchemaGenerator(patterns=urls.urlpatterns).get_schema(public=True)  # type: ignore[no-untyped-call]
    parts = schema["components"]["schemas"]

    def fields(part: Any) -> Iterator[str]:
        part = part.get("items", part)
        part = parts[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
        for name, each in part.get("properties", {}).items():
            yield from (name, *fields(each))

    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            bodies = [told.get("requestBody", {}), *(each for code, each in told["responses"].items() if code < "300")]
            shapes = [shape["schema"] for body in bodies for shape in body.get("content", {}).values()]
            sent = {each["name"] for each in told.get("parameters", []) if each["in"] == "query"}
            answers = [each for body in told["responses"].values() for each in body.get("content", {}).values()]
            errors = {each["value"]["code"] for answer in answers for each in answer.get("examples", {}).values()}
            yield f"{method.upper()} {path}", sent.union(*map(fields, shapes)), errors


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_endpoint_is_told_with_its_fields_and_errors(language: str) -> None:
    text = read("reference/account-api", language)
    of_all = section(text, "errors-of-all-endpoints")
    found = list(operations())
    assert len(found) == text.count("\n| `", 0, text.index("\n**"))
    for name, fields, errors in found:
        assert f"| `{name}` |" in text
        [own] = [each for each in sections(text) if f"`{name}`" in each]
        assert {each for each in fields if not re.search(rf"\b{each}\b", own + of_all)} == set(), name
        assert {each for each in errors if f"`{each}`" not in own + of_all} == set(), name


def test_every_example_is_json_and_its_requests_are_bodies() -> None:
    for block in examples():
        for body in re.findall(r"^(?:[0-9]{3} )?([\[{].*?[\]}])$", block, re.MULTILINE | re.DOTALL):
            json.loads(body)


def test_errors_are_told_in_the_words_of_the_code() -> None:
    errors = re.findall(r"^(4\d\d) (\{.*\})$", "\n".join(examples()), re.MULTILINE)
    assert len(errors) >= 8
    for status, body in ((int(status), json.loads(text)) for status, text in errors):
        kind = kinds()[body["code"]]
        assert status in (kind.status, 400), body
        with translation.override("en"):
            assert body["code"] in OTHERS_WORDS or body["message"] == str(kind.message)


def test_every_code_of_its_tables_is_one() -> None:
    known = {(kind.status, code) for code, kind in kinds().items()}
    told = {(int(row[0]), code) for row in rows(API) if row[0].isdigit() for code in named(row[1])}
    assert len(told) >= 35
    assert told - known == {(400, "mobile_taken"), (400, "account_unknown")}


def test_every_signal_command_setting_and_reason_is_there() -> None:
    every = [name for name, each in vars(signals).items() if isinstance(each, Signal)]
    # Those of the app are the last in the module.
    of_the_app = set(every[every.index("refresh_token_reused") :])
    assert set(column(section(HOW_TO, "signals"))) == of_the_app
    commands = {name for name, app in get_commands().items() if app == "phonebind.lifecycle"}
    assert {word.split()[0] for word in column(section(HOW_TO, "commands"))} == commands
    told = set(re.findall(r"`([A-Z_]{6,})`", section(HOW_TO, "settings")))
    assert told <= set(NAMES)
    assert len(told) >= 12
    reasons = re.findall(r'"(\w+)"', inspect.getdoc(life_exceptions.SessionEnded) or "")
    assert [reason for reason in reasons if f"| `{reason}` |" not in API] == []


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project, made as the tutorial says, and then changed as the page says."""
    directory = tmp_path_factory.mktemp("new")
    start(directory)
    for block in blocks(PAGE):
        if block.file or block.language == "sh":
            paste(directory, block)
    return directory


def test_a_new_project_has_nothing_to_complain_of(project: Path) -> None:
    assert manage(project, "check") == "System check identified no issues (0 silenced).\n"
    assert manage(project, "makemigrations", "--check") == "No changes detected\n"


def test_a_new_project_ends_access_tokens_at_once(project: Path) -> None:
    script = """
from django.contrib.auth import get_user_model
from django.test import Client
user = get_user_model().objects.create_user("ada", mobile="13900000001", password="correct-horse-8")
client = Client(headers={"host": "localhost"})
form = {"username": "ada", "password": "correct-horse-8"}
pair = client.post("/authorizations/", form, content_type="application/json").json()
ask = lambda: client.get("/account/", headers={"Authorization": f"Bearer {pair['token']}"})
before = ask().json()["mobile"]
client.post("/authorizations/revoke/", {"refresh": pair["refresh"]}, content_type="application/json")
print(before, ask().status_code)
"""
    assert manage(project, "shell", "-v0", "-c", script) == "139****0001 401\n"


def run(project: Path, script: str) -> str:
    begin = """
from django.contrib.auth import get_user_model
from django.test import Client
user, _made = get_user_model().objects.get_or_create(username="13900000002", mobile="13900000002")
client = Client(headers={"host": "localhost"})
"""
    return manage(project, "shell", "-v0", "-c", begin + script)


def files() -> Iterator[tuple[str, str]]:
    """The lines that the page says to put in each file of the project."""
    for comment, text in re.findall(r"^```(?:html|css)\n(\{#|/\*) (.*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL):
        name, _space, rest = text.partition(" #}\n" if comment == "{#" else " */\n")
        yield name, rest


def test_a_new_project_has_the_pages_in_its_own_look(project: Path) -> None:
    own = dict(files())
    assert list(own) == ["shop/templates/phonebind/base.html", "shop/static/shop.css"]
    write(project, own)
    script = """
client.force_login(user)
for path in ("/my/", "/my/password/", "/login/by/sms/", "/login/"):
    html = client.get(path).content.decode()
    print(path, "phonebind.css" in html, '/static/shop.css"' in html, '<a href="/">Shop</a>' in html)
"""
    told = run(project, script).splitlines()
    assert told == [f"{path} True True True" for path in ("/my/", "/my/password/", "/login/by/sms/", "/login/")]


def test_the_links_of_a_page_of_ones_own_lead_somewhere(project: Path) -> None:
    [links] = re.findall(r"^```html\n(<a .*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL)
    names = column(section(HOW_TO, "links-from-a-page-of-your-own"))
    assert names
    script = f"""
from django.template import engines
from django.test import RequestFactory
from django.urls import reverse
html = engines["django"].from_string({links!r}).render({{"user": user}}, RequestFactory().get("/cart/"))
client.force_login(user)
print({{client.get(href).status_code for href in __import__("re").findall('href="(.*?)"', html)}})
for name in {names!r}:
    reverse("phonebind_account:" + name, args=["qq"] if name == "my_binding" else [])
"""
    assert run(project, script) == "{200}\n"


def test_who_has_lost_every_way_in_comes_back_by_the_hand_of_support(project: Path) -> None:
    [block] = re.findall(r"^```python\n(user\.mobile = .*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL)
    script = f"""
lost = Client(headers={{"host": "localhost"}})
lost.force_login(user)
before = lost.get("/my/").status_code
{block}
form = {{"username": "13900006666", "password": "once-only-horse-7"}}
answer = client.post("/authorizations/", form, content_type="application/json")
print(before, lost.get("/my/").status_code, answer.status_code)
"""
    assert run(project, script) == "200 303 200\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_contract_has_besides_is_in_the_reference(language: str) -> None:
    table = rows(section(read("reference/http", language), "with-the-account-life"))
    assert len(table) == len(MORE)
    for name, more in MORE.items():
        [(_, parameters, errors)] = [row for row in table if f"(#{name})" in row[0]]
        values = {word for each in more.parameters for word in (each.name, *(each.enum or ()))}
        assert set(re.findall(r"`(\w+)`", parameters)) - {"Authorization"} == values
        codes = {(int(status), code) for status, code in re.findall(r"(\d+) `(\w+)`", errors)}
        assert codes == {(kind.status, kind.code) for kind in more.examples}
