"""Every text of the package is there in Chinese, and the compiled catalog agrees with the source catalog."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation.template import templatize

import phonebind

PACKAGE = Path(phonebind.__file__).parent
CATALOG = PACKAGE / "locale/zh_Hans/LC_MESSAGES"
STRING = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'


def texts_in_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
            yield ast.literal_eval(node.args[0])


def texts_in_template(source: str) -> Iterator[str]:
    # Django turns a template into code that xgettext understands.
    for literal in re.findall(r"""(?:gettext\(u|_\()('(?:[^'\\]|\\.)*'|"[^"]*")\)""", templatize(source)):
        yield ast.literal_eval(literal)


def texts() -> set[str]:
    """Every text of the package."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*"):
        if path.suffix == ".py":
            found.update(texts_in_python(path.read_text()))
        elif path.suffix == ".html":
            found.update(texts_in_template(path.read_text()))
    return found


def readable() -> dict[str, str]:
    entry = rf"^msgid {STRING}(?:msgid_plural (?:\s*\"[^\n]*\"\n)+)?msgstr(?:\[0\])? {STRING}"
    entries = re.findall(entry, (CATALOG / "django.po").read_text(), re.MULTILINE)
    # As in Python, adjacent strings are one string.
    unquoted = [[ast.literal_eval(f"({text})") for text in entry] for entry in entries]
    return {msgid: msgstr for msgid, msgstr in unquoted if msgid}


def compiled() -> dict[str, str]:
    with (CATALOG / "django.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)
    # The key of a text with a plural is its singular and the number of the form. Chinese has one form.
    return {key if isinstance(key, str) else key[0]: text for key, text in vars(catalog)["_catalog"].items() if key}


def test_every_text_is_translated_and_no_more() -> None:
    translated = readable()
    assert texts() == set(translated)
    assert all(translated.values())


def test_the_compiled_catalog_is_up_to_date() -> None:
    assert compiled() == readable()


def test_translations_keep_their_placeholders() -> None:
    placeholder = re.compile(r"%\(\w+\)s|\{\}|<[^>]+>")
    for msgid, msgstr in readable().items():
        assert sorted(placeholder.findall(msgid)) == sorted(placeholder.findall(msgstr))


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("Invalid access_token", "无效的access_token"),
        ("Wrong SMS code", "短信验证码错误"),
        ("Wrong image code", "图形验证码错误"),
        ("Wrong password", "密码错误"),
        ("The password must have 8 to 20 characters.", "仅允许8-20个字符的密码"),
    ],
)
def test_what_the_contract_fixes(text: str, chinese: str) -> None:
    with translation.override("zh-hans"):
        assert _(text) == chinese
    with translation.override("en"):
        assert _(text) == text
