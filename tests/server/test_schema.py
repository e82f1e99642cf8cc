"""``/schema/`` costs almost nothing, with any request headers."""

import base64
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import trans_real
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from server import schema
from server.processes import Valkey

FORMATS = ("application/yaml", "application/json", "application/vnd.oai.openapi", "application/vnd.oai.openapi+json")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """One entry for each time that the schema of all views was built."""
    times: list[Any] = []
    describe: Any = SchemaGenerator.get_schema

    def counted(self: Any, request: Any = None, public: bool = False) -> Any:
        times.append(request)
        return describe(self, request, public)

    schema._documents.clear()
    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    yield times
    schema._documents.clear()


def test_it_is_made_once_however_often_it_is_asked_for(made: list[Any]) -> None:
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: Client().get("/schema/?format=json"), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(made) == 1


def test_no_way_to_ask_fills_the_memory(made: list[Any]) -> None:
    translations = vars(trans_real)["_translations"]
    known = set(translations)
    queries = [*(f"lang=xx-{n}&version={n}" for n in range(20)), "lang=en", "lang=%00", "lang=" + "x-" * 600, "a=1"]
    for accept in (*FORMATS, *(f"application/json; indent={n}" for n in range(4)), "text/html", "*/*"):
        for language in ("en", "zh-tw", "x" * 1000):
            for query in queries[:: 1 if accept == "*/*" else 5]:
                headers = {"Accept": accept, "Accept-Language": language}
                assert Client().get(f"/schema/?{query}", headers=headers).status_code == 200
    assert len(made) == len(schema._documents) <= len(settings.LANGUAGES) * (len(FORMATS) + 1)
    assert set(translations) - known <= set(dict(settings.LANGUAGES))


@pytest.mark.parametrize("accept", FORMATS)
def test_it_is_what_drf_spectacular_makes(accept: str) -> None:
    renderer = OpenApiJsonRenderer if "json" in accept else OpenApiYamlRenderer
    answer = Client().get("/schema/?version=7", headers={"Accept": accept})
    expected = renderer().render(SchemaGenerator().get_schema(public=True))  # type: ignore[no-untyped-call]
    assert answer.content == expected
    assert answer.headers["Content-Type"].partition(";")[0] == accept
    extension = "json" if "json" in accept else "yaml"
    assert answer.headers["Content-Disposition"] == f'inline; filename="phonebind.{extension}"'


#: The Accept header of Chromium for a page.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def test_a_browser_gets_a_page_that_lists_every_operation() -> None:
    answer = Client().get("/schema/", headers={"Accept": BROWSER, "Accept-Language": "en"})
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    html = answer.content.decode()
    document = Client().get("/schema/?format=json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"<code>{method.upper()} {path}</code>" in html
    bind = html[html.index("POST /oauth/{provider}/user/") :].partition("</section>")[0]
    assert "<code>access_token</code></th><td>body, required</td>" in bind
    for field in ("mobile", "password", "sms_code", "mobile_proof"):
        assert f"<code>{field}</code></th><td>body" in bind
    [made] = re.findall(r">201</th>.*?</tr>", bind, re.DOTALL)
    assert {"token", "refresh", "user_id", "next"} <= set(re.findall(r"<code>(\w+)</code>", made))
    assert "sms_code_invalid" in bind


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    answer = Client().get("/schema/?format=html")
    html = answer.content.decode()
    assert "<script" not in html
    assert re.findall(r'(?:src|href)="([^"]*)"', html) == ["?format=json", "?format=yaml"]
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    for link in ("?format=json", "?format=yaml"):
        assert Client().get(f"/schema/{link}").status_code == 200


def test_a_browser_that_posts_is_told_so() -> None:
    answer = Client().post("/schema/", headers={"Accept": BROWSER})
    assert answer.status_code == 405
    assert "POST" in answer.content.decode()


def test_a_program_that_takes_anything_gets_no_page() -> None:
    assert "openapi" in Client().get("/schema/", headers={"Accept": "*/*"}).headers["Content-Type"]
    assert "openapi" in Client().get("/schema/").headers["Content-Type"]


def test_who_has_it_gets_no_second_copy() -> None:
    first = Client().get("/schema/")
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert {"Accept", "Accept-Language"} <= set(first.headers["Vary"].split(", "))
    again = Client().get("/schema/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Client().get("/schema/?format=json").headers["ETag"] != first.headers["ETag"]


def test_without_valkey_it_answers(valkey: Valkey) -> None:
    valkey.stop()
    schema._documents.clear()
    assert Client().get("/schema/").status_code == 200
    assert Client().get("/schema/").status_code == 200


def test_what_it_cannot_be_is_refused() -> None:
    assert Client().get("/schema/", headers={"Accept": "image/png"}).status_code == 406
    assert Client().get("/schema/?format=png").status_code == 404
    assert Client().post("/schema/").status_code == 405
