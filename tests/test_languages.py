"""A reader of Chinese gets Chinese texts, in a project that has left Django's LANGUAGES unchanged."""

import re
import struct
from pathlib import Path

import pytest
from django.conf import global_settings
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from phonebind import languages
from tests.support.edge import Outbox, Person, Upstream

pytestmark = [pytest.mark.django_db, pytest.mark.once]

TRADITIONAL = ["zh-TW", "zh-HK", "zh-MO", "zh-Hant", "zh-Hant-TW", "zh-TW,zh;q=0.9,en;q=0.8"]
SIMPLIFIED = ["zh", "zh-CN", "zh-SG", "zh-Hans", "zh-Hans-CN", "zh-CN,zh;q=0.9,en;q=0.8"]
MOBILE = "13900000001"


@pytest.fixture(autouse=True, params=["en-us", "zh-hans"])
def _project(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.LANGUAGES = global_settings.LANGUAGES
    settings.LANGUAGE_CODE = request.param
    # The thread begins with the project's language, as that of a server does.
    translation.activate(request.param)


@pytest.mark.parametrize("accepted", [*TRADITIONAL, *SIMPLIFIED])
def test_the_pages_are_in_chinese_and_say_in_which(accepted: str) -> None:
    answer = Client().get("/login/", headers={"accept-language": accepted})
    html = answer.content.decode()
    assert "使用QQ登录" in html
    assert re.findall(r"<html lang=\"([\w-]+)\"", html) == ["zh-hans"]
    assert answer["Content-Language"] == "zh-hans"


@pytest.mark.parametrize("accepted", [*TRADITIONAL, *SIMPLIFIED])
def test_the_apis_messages_are_in_chinese(accepted: str) -> None:
    for path in ("/oauth/douban/authorization/", "/sms_codes/1/"):
        answer = Client().get(path, headers={"accept-language": accepted})
        assert answer["Content-Language"] == "zh-hans"
        assert answer["Content-Type"] == "application/json"
        assert answer.json()["message"] in ("没有这种登录方式", "请输入11位手机号")


@pytest.mark.parametrize("accepted", ["zh-TW", "zh-HK", "zh-CN"])
def test_the_sms_is_in_chinese(person: Person, qq: Upstream, accepted: str) -> None:
    assert person.ask_for_sms(MOBILE, **{"accept-language": accepted}).status_code == 200
    assert Outbox.sent[-1].text.startswith("【")
    assert "请勿告诉他人" in Outbox.sent[-1].text


def test_afterwards_the_thread_speaks_as_before() -> None:
    with translation.override("zh-hant"):
        languages.in_ours(lambda: Client().get("/login/"))()
        assert translation.get_language() == "zh-hant"


@pytest.mark.parametrize("accepted", ["en", "en-US", "en-GB,en;q=0.9,zh-TW;q=0.5"])
def test_who_reads_english_gets_english(accepted: str) -> None:
    html = Client().get("/login/", headers={"accept-language": accepted}).content.decode()
    assert "Sign in with QQ" in html
    assert re.search(r'<html lang="en(-gb)?"', html)


def test_where_no_language_is_active_none_is_chosen() -> None:
    with translation.override(None):
        assert languages.ours() is None


def compile_catalogue(texts: dict[str, str], path: Path) -> None:
    """Writes a .mo file as msgfmt does: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html"""
    entries = sorted((key.encode(), text.encode()) for key, text in texts.items())
    table, strings, start = b"", b"", 28 + 16 * len(entries)
    for column in zip(*entries, strict=True):
        for text in column:
            table += struct.pack("<II", len(text), start + len(strings))
            strings += text + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(entries), 28, 28 + 8 * len(entries), 0, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(header + table + strings)


def test_a_project_with_a_catalogue_of_its_own_is_taken_at_its_word(settings: Settings, tmp_path: Path) -> None:
    texts = {"": "Content-Type: text/plain; charset=UTF-8\n", "Wrong SMS code": "簡訊驗證碼錯誤", "Sign in": "登入"}
    compile_catalogue(texts, tmp_path / "zh_Hant/LC_MESSAGES/django.mo")
    settings.LOCALE_PATHS = [tmp_path]
    for language_code in (settings.LANGUAGE_CODE, "zh-hant"):
        settings.LANGUAGE_CODE = language_code
        html = Client().get("/login/", headers={"accept-language": "zh-TW"}).content.decode()
        assert "<h1>登入</h1>" in html
        assert '<html lang="zh-hant"' in html


@pytest.mark.parametrize("language_code", ["zh-hant", "zh-tw", "zh-cn"])
def test_the_projects_own_language_may_be_any_chinese(settings: Settings, language_code: str) -> None:
    """It works without LocaleMiddleware, too."""
    settings.LANGUAGE_CODE = language_code
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "LocaleMiddleware" not in name]
    translation.activate(language_code)
    answer = Client().get("/login/")
    assert "使用QQ登录" in answer.content.decode()
    assert '<html lang="zh-hans"' in answer.content.decode()
