"""One code is one SMS, whatever the name of the site is."""

import pytest
from django.utils import translation

from phonebind import sms_texts

#: The longest names: Latin letters in an English SMS; Chinese characters in an English and in a Chinese SMS; letters in
#: a Chinese one.
LONGEST = [("en", "S", 101), ("en", "店", 13), ("zh-hans", "店", 35), ("zh-hans", "S", 35)]


def text(site: str, language: str, purpose: str = "bind") -> str:
    with translation.override(language):
        return sms_texts.code_text(purpose, site, "123456", 5)


@pytest.mark.parametrize(("language", "character", "most"), LONGEST)
def test_a_name_has_a_longest(language: str, character: str, most: int) -> None:
    assert all(sms_texts.is_one(text(character * length, language)) for length in range(1, most + 1))
    assert not sms_texts.is_one(text(character * (most + 1), language))


@pytest.mark.parametrize(("language", "purpose"), [("en", "bind"), ("zh-hans", "绑定")])
@pytest.mark.parametrize("site", ["店", "店" * 35, "Shop" * 50])
def test_threat_15_in_fewer_words_it_says_what_it_is_for_all_the_same(language: str, purpose: str, site: str) -> None:
    said = text(site, language)
    assert purpose in said
    assert site in said
    assert "123456" in said
    assert "5" in said.replace("123456", "")


def test_the_long_text_is_taken_where_there_is_room() -> None:
    assert "Never tell it to anyone." in text("S" * 46, "en")
    assert "Never tell it to anyone." not in text("S" * 47, "en")
    assert "请勿告诉他人。" in text("店" * 29, "zh-hans")
    assert text("店" * 30, "zh-hans").endswith("，请勿告诉他人。")


@pytest.mark.parametrize(
    ("said", "one"),
    [
        ("a" * 160, True),
        ("a" * 161, False),
        ("[" * 80, True),
        ("[" * 80 + "a", False),
        ("€" * 81, False),
        ("é" * 160, True),
        ("ê" * 71, False),
        ("中" * 70, True),
        ("中" * 71, False),
        ("🦊" * 35, True),
        ("🦊" * 36, False),
        ("", True),
    ],
)
def test_what_one_sms_holds(said: str, one: bool) -> None:
    assert sms_texts.is_one(said) is one
