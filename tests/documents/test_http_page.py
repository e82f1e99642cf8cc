"""The pages of the HTTP API say what the schema says, and their examples run."""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.urls import path
from drf_spectacular.generators import SchemaGenerator

from phonebind.api import schema as contract
from phonebind.api.keys import KeysView
from tests.support.documents import LANGUAGES, anchors, blocks, read, rows, section
from tests.support.services import valkey_server
from tests.support.site import serve

pytestmark = pytest.mark.once

IN = {"path": "路径", "query": "查询参数", "body": "请求体"}
YES = {"en": ("no", "yes"), "zh": ("否", "是")}
#: The errors of every operation. The page says them once.
ALWAYS = {(400, "invalid"), (405, "invalid")}
PAGE = "reference/http"
KEYS = "public-keys"


@cache
def _schema() -> dict[str, Any]:
    return dict(SchemaGenerator(urlconf="phonebind.api.urls").get_schema(public=True))  # type: ignore[no-untyped-call]


def _operations() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": one for path, each in _schema()["paths"].items() for method, one in each.items()
    }


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = _schema()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _type(schema: dict[str, Any]) -> str:
    if "oneOf" in schema:
        return " or ".join(each["type"] for each in schema["oneOf"])
    word = "UUID" if schema.get("format") == "uuid" else schema["type"]
    length = f", ≤ {schema['maxLength']}" if "maxLength" in schema else ""
    return f"{word}{length}{' or null' if schema.get('nullable') else ''}"


def _asked(operation: dict[str, Any], language: str) -> set[tuple[str, ...]]:
    """Each parameter and field of the body: its name, its place, its type, and whether it is required."""
    given = [
        (each["name"], each["in"], each["schema"], each.get("required", False))
        for each in operation.get("parameters", [])
    ]
    body = _whole(
        next(iter(operation.get("requestBody", {"content": {"": {"schema": {}}}})["content"].values()))["schema"]
    )
    given += [
        (name, "body", each, name in body.get("required", [])) for name, each in body.get("properties", {}).items()
    ]
    more = {
        each.name
        for each in contract.MORE.get(operation["operationId"].removeprefix("phonebind_"), contract.More()).parameters
    }
    return {
        (name, IN[where] if language == "zh" else where, _type(each), YES[language][required])
        for name, where, each, required in given
        if where != "header" and name not in more
    }


def _answered(schema: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Each field of the answer and its type. A list of objects gives the fields of its objects, as ``ways[].name``."""
    whole = _whole(schema)
    for each in whole.get("oneOf", []):
        yield from _answered(each)
    for name, each in whole.get("properties", {}).items():
        yield before + name, _type(each)
        if each.get("type") == "array" and "$ref" in each["items"]:
            yield from _answered(each["items"], f"{before}{name}[].")


def _refused(operation: dict[str, Any]) -> set[tuple[int, str]]:
    more = contract.MORE.get(operation["operationId"].removeprefix("phonebind_"), contract.More())
    found = {
        (int(status), code.strip())
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for code in answer["description"].partition(":")[0].split(",")
    }
    return found - {(kind.status, kind.code) for kind in more.examples} - ALWAYS


def _sections(language: str) -> dict[str, str]:
    """The text below each request, by the request."""
    text = read(PAGE, language)
    found = [section(text, anchor) for anchor in anchors(text)]
    return {code.strip(): part for part in found for kind, code in blocks(part) if kind == "text"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_operation_of_the_contract_is_there_and_no_other(language: str) -> None:
    others = {"GET /.well-known/jwks.json", "POST /sms_receipts/{gateway}/{secret}/"}
    assert set(_sections(language)) - others == set(_operations())
    assert others <= set(_sections(language))


@pytest.mark.parametrize("operation", _operations())
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_operation_is_told_whole(language: str, operation: str) -> None:
    described, tables = _operations()[operation], rows(_sections(language)[operation])
    told = [tuple(cell.strip("`") for cell in row) for row in tables]
    assert {row[:4] for row in told if len(row) == 5} == _asked(described, language)
    [(status, success)] = [(code, each) for code, each in described["responses"].items() if int(code) < 300]
    schema = success["content"].get("application/json", {}).get("schema", {})
    assert {row[:2] for row in told if len(row) == 3} == set(_answered(schema))
    refused = {(int(row[0]), code) for row in tables if len(row) == 2 for code in re.findall(r"`(\w+)`", row[1])}
    assert refused == _refused(described)
    assert all(all(row) for row in tables)
    assert re.search(rf"(Answer|响应).*\b{status}\b", _sections(language)[operation])


@pytest.mark.parametrize("language", LANGUAGES)
def test_public_keys_are_told_whole(language: str) -> None:
    made: Any = SchemaGenerator(patterns=[path("keys/", KeysView.as_view())])  # type: ignore[no-untyped-call]
    described = made.get_schema(public=True)
    schemas = described["components"]["schemas"]
    own = {f"keys[].{name}": each["type"] for name, each in schemas["PhonebindJWK"]["properties"].items()}
    told = {row[0].strip("`"): row[1] for row in rows(section(read(PAGE, language), KEYS))}
    assert told == {"keys": "array"} | own


def _shape(value: Any) -> Any:
    """Names and types, without values. A list gives the shape of its first item."""
    if isinstance(value, dict):
        return {name: _shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value[:1]]
    return type(value).__name__


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[str]:
    """The server that the page says to start. No identity is bound yet."""
    named = re.search(r"`make run ([^`]+)`", read(PAGE))
    assert named
    options = dict(each.split("=") for each in named[1].split())
    redis_url = valkey_server().url.replace("db=0", "db=1")
    with serve(tmp_path / "data", REDIS_URL=redis_url, **options) as url:
        yield url


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_run_and_answer_as_they_say(language: str, demo: str, tmp_path: Path) -> None:
    """From top to bottom, as one session in one shell."""
    text = read(PAGE, language)
    session = text[text.index(section(text, "run-the-examples")) :]
    shown = [(kind, code) for kind, code in blocks(session) if kind in ("sh", "json")]
    script = "\n".join(f"{code}\nprintf '\\036'" for kind, code in shown if kind == "sh")
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script.replace("http://127.0.0.1:8000", demo), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    outputs = done.stdout.split("\036")
    documented = list(_pairs(shown))
    assert len(documented) >= 12
    for index, code in documented:
        assert _shape(json.loads(outputs[index])) == _shape(json.loads(code)), outputs[index]
    assert {index for index, output in enumerate(outputs) if output} == {index for index, _ in documented}
    assert (tmp_path / "image.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def _pairs(shown: list[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    """Each JSON, with the number of the script that it answers."""
    scripts = 0
    for kind, code in shown:
        if kind == "sh":
            scripts += 1
        else:
            yield scripts - 1, code
