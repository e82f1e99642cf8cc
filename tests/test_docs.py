"""The documents agree with the code. test_readme.py checks that the tutorial leads to a sign-in."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from phonebind import exceptions, oauth, states
from phonebind.lifecycle import exceptions as life_exceptions
from phonebind_sandbox.faults import SWITCHES
from server.processes import Valkey
from tests.support import documents
from tests.support.documents import LANGUAGES, prose, targets
from tests.support.startproject import manage, start

ROOT = Path(__file__).parent.parent
VARIABLE = re.compile(r"[A-Z][A-Z_0-9]+")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    start(tmp_path)
    return tmp_path


def get(project: Path, path: str, what: str) -> str:
    """A part of the answer, from Django's own client, in another process of the new project."""
    request = f"answer = Client().get({path!r}, headers={{'host': 'localhost'}})"
    return manage(project, "shell", "-v0", "-c", f"from django.test import Client; {request}; print({what})")


def test_it_answers_in_chinese_where_the_setting_of_the_guide_says_so(project: Path, valkey: Valkey) -> None:
    for language in LANGUAGES:
        assert '`LANGUAGE_CODE = "zh-hans"`' in documents.read("how-to/existing-project", language)
    message = "answer.json()['message']"
    assert get(project, "/oauth/weixin/authorization/", message).isascii()
    with (project / "config/settings.py").open("a") as settings:
        settings.write('LANGUAGE_CODE = "zh-hans"\n')
    assert not get(project, "/oauth/weixin/authorization/", message).isascii()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_button_for_a_login_page_of_ones_own_leads_to_qq_and_keeps_next(language: str, client: Client) -> None:
    [button] = re.findall(r"`(<a href=.*?</a>)`", documents.read("how-to/existing-project", language))
    html = Template(button).render(Context({"next": "/cart.html?a=1&b=2"}))
    [href] = re.findall(r'href="([^"]*)"', html)
    answer = client.get(href)
    assert answer.status_code == 303
    [state] = parse_qs(urlsplit(answer.headers["Location"]).query)["state"]
    browser = RequestFactory().get("/", headers={"Cookie": client.cookies.output([], "", ";")})
    assert states.read(browser, oauth.web("qq"), state).next == "/cart.html?a=1&b=2"


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_every_variable_of_the_reference_server_is_documented(language: str) -> None:
    files = ("settings.py", "stores.py", "keys.py", "gunicorn_conf.py")
    code = "".join((ROOT / "server" / name).read_text() for name in files)
    read = set(re.findall(r"\b(?:env\.\w+|environ\.get)\(\"([A-Z][A-Z_0-9]+)\"", code))
    table = documents.rows(documents.read("reference/variables", language))
    words = {word for row in table for word in documents.named(" ".join(row)) if VARIABLE.fullmatch(word)}
    assert read == words - {"PYTHONPATH", "WARNING"}


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_every_error_code_is_documented(language: str) -> None:
    text = documents.read("reference/errors", language)
    rows = [row for row in documents.rows(text) if row[0].isdigit() and row[2]]
    documented = {(int(status), code.strip("`")) for status, code, *_ in rows}
    assert len(documented) == len(rows), "each once"
    raised = {
        (kind.status, kind.code)
        for module in (exceptions, life_exceptions)
        for name in module.__all__
        if hasattr(kind := getattr(module, name), "code")
    }
    assert documented == raised


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_every_threat_names_its_tests(language: str) -> None:
    promises = _promises(language)
    tests = {
        name
        for file in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^def (\w+)\(", file.read_text(), re.MULTILINE)
    }
    assert promises.keys() == {*range(1, 33), 35, *range(41, 65)}
    for number, named in promises.items():
        assert named
        assert {name for name in named if not name.startswith(f"test_threat_{number}_")} == set()
        assert named - tests == set()


def test_both_languages_name_the_same_tests_for_a_threat() -> None:
    assert _promises("zh") == _promises("en")


def _promises(language: str) -> dict[int, set[str]]:
    """By number of the threat: the tests that its line names."""
    text = documents.read("explanation/threats", language)
    lines = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |^$)", text, re.MULTILINE | re.DOTALL)
    return {int(number): set(re.findall(r"`(test_\w+)`", line)) for number, line in lines}


@pytest.mark.parametrize(("language", "same", "any_code"), [("en", "the same", "any code"), ("zh", "同上", "错误码")])
def test_every_switch_of_the_sandbox_is_documented(language: str, same: str, any_code: str) -> None:
    rows = [row for row in documents.rows(documents.read("how-to/sandbox", language)) if len(row) == 2]
    table = {name.strip("`"): values for name, values in rows if re.fullmatch("`[a-z_]+`", name)}
    assert list(table) == list(SWITCHES)
    for name, values in table.items():
        if name.endswith("_network") and name != "token_network":
            assert values == same
        elif any_code not in values:
            assert documents.named(values) == list(SWITCHES[name].choices)


@pytest.mark.parametrize(
    "document",
    sorted([*ROOT.glob("*.md"), *(ROOT / "src/phonebind_sandbox").glob("*.md")]),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_link_leads_somewhere(document: Path) -> None:
    """For documents outside docs/. tests/documents checks those inside."""
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", prose(document.read_text())):
        if "://" not in target:
            there = document.parent / target if target else document
            assert there.exists(), target
            assert not anchor or anchor in targets(there.read_text()), f"{target}#{anchor}"
