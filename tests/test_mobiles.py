"""Numbers and codes as people paste them."""

import doctest

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from phonebind import mobiles, models

MOBILE = "13900000001"
#: One of each kind, as it is found around numbers that are copied or typed in China.
NOISE = (
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200c\u200d\u200e\u200f\ufeff\u00ad\u2060\u061c"
    " \t\u00a0\u2002\u2009\u202f\u3000-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\ufe63"
)
national = st.from_regex(r"\A1[3-9][0-9]{9}\Z")


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in text)


@pytest.mark.parametrize("noise", NOISE, ids=ascii)
def test_noise_is_dropped_wherever_it_stands(noise: str) -> None:
    for place in range(len(MOBILE) + 1):
        assert mobiles.clean(MOBILE[:place] + noise + MOBILE[place:]) == MOBILE


@pytest.mark.parametrize("prefix", ["", "86", "+86", "0086", "+86 ", "＋86", "+ 86-", "００８６"])
def test_prefixes(prefix: str) -> None:
    assert mobiles.clean(prefix + MOBILE) == MOBILE
    assert mobiles.clean(prefix + full_width(MOBILE)) == MOBILE


OTHERS = [
    "",
    "86",
    "8613900000",
    "12900000001",
    "+8612900000001",
    "139000000011",
    "1390000000",
    "+1390000000",
    "+4413900000001",
    "0013900000001",
    "8686" + MOBILE,
    "+86+86" + MOBILE,
    "+0086" + MOBILE,
    MOBILE + "+",
    MOBILE + "x",
    MOBILE + "\n",
    MOBILE + "\x00",
    f"({MOBILE})",
    f"{MOBILE},{MOBILE}",
    "tel:" + MOBILE,
    "\u0661\u0663\u0669\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0661",
    "\u2460390000000\u00b9",
    "1\u0663900000001",
    "\U0001d7cf3900000001",
    "\ud800" + MOBILE,
]


@pytest.mark.parametrize("text", OTHERS, ids=ascii)
def test_what_is_no_mobile_stays_as_it_is(text: str) -> None:
    assert mobiles.clean(text) == text
    assert not mobiles.is_mobile(text)


@given(st.text())
def test_whatever_comes_it_is_a_mobile_or_as_it_was(text: str) -> None:
    cleaned = mobiles.clean(text)
    assert cleaned == text or mobiles.is_mobile(cleaned)
    assert mobiles.clean(cleaned) == cleaned


@given(national, st.lists(st.tuples(st.integers(0, 11), st.sampled_from(NOISE)), max_size=8), st.booleans())
def test_one_number_has_one_spelling(number: str, noise: list[tuple[int, str]], wide: bool) -> None:
    text = full_width(number) if wide else number
    for place, char in noise:
        text = text[:place] + char + text[place:]
    assert mobiles.clean(text) == number
    models.validate_mobile(number)


def digits_of_others() -> st.SearchStrategy[str]:
    plain = st.characters(categories=["Nd", "No", "Nl"])
    return plain.filter(lambda char: not char.isascii() and not "\uff10" <= char <= "\uff19")


@given(national, st.integers(0, 10), digits_of_others())
def test_digits_of_other_scripts_are_none(number: str, place: int, digit: str) -> None:
    text = number[:place] + digit + number[place + 1 :]
    assert mobiles.clean(text) == text
    assert not mobiles.is_mobile(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("23800000001", "A mobile number begins with 1 and a digit from 3 to 9."),
        ("+86 12800000001", "A mobile number begins with 1 and a digit from 3 to 9."),
        ("１２８００００００００", "A mobile number begins with 1 and a digit from 3 to 9."),
        ("1380000000", "Enter a mobile number of 11 digits."),
        ("138000000011", "Enter a mobile number of 11 digits."),
        ("ming", "Enter a mobile number of 11 digits."),
    ],
)
def test_people_are_told_what_is_wrong(text: str, told: str) -> None:
    with translation.override("en"):
        assert mobiles.what_is_wrong(text) == told


@pytest.mark.parametrize(
    "code", [" 123456 ", "123 456", "123-456", "１２３４５６", "\u200e123456\u2069", "12\u3000３４ 56"]
)
def test_codes(code: str) -> None:
    assert mobiles.clean_code(code) == "123456"


def test_the_text_of_an_image() -> None:
    assert mobiles.clean_code(" Ａb 7\u00a0Ｋ") == "Ab7K"


def test_the_model_is_as_strict_as_ever() -> None:
    with pytest.raises(ValidationError):
        models.validate_mobile(f"+86{MOBILE}")
    assert models.MOBILE_PATTERN == mobiles.MOBILE_PATTERN


def test_the_examples_are_true() -> None:
    assert doctest.testmod(mobiles).failed == 0
