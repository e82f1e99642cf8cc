"""docs/*/how-to/human-checks, tencent-captcha and explanation/image-codes say what the code does, in both languages."""

import math
import re
from typing import Any

import pytest

from bench.report import Table
from phonebind import human, limits
from phonebind.conf import Settings
from phonebind.human import altcha
from phonebind.human.tencent import ENDPOINT, PERSON, SCRIPT
from study import sight
from study.chinese import WORDS, in_chinese
from study.designs import DESIGNS
from study.steps import STEPS
from tests.support.documents import LANGUAGES, blocks, column, filled, read, rows

both = pytest.mark.parametrize("language", LANGUAGES)


@both
def test_every_mode_is_in_the_table(language: str) -> None:
    modes = [word.strip('"') for word in column(read("how-to/human-checks", language)) if word.startswith('"')]
    assert modes == [*human.MODES]


@both
def test_the_limits_of_the_way_without_an_image_are_the_defaults(language: str) -> None:
    table = [row for row in rows(read("how-to/human-checks", language)) if row[0].startswith("`no_image_")]
    told = {row[0].strip("`"): re.findall(r"\d+", row[1])[0] for row in table}
    rules = [name for name in limits.RULES if name.startswith("no_image_")]
    assert told == {name: str(limits.rule(name).limit) for name in rules}


@both
def test_without_a_check_the_page_sets_each_limit_that_must_be_set(language: str) -> None:
    [block] = [code for _, code in blocks(read("how-to/human-checks", language), "python") if '"none"' in code]
    setting: dict[str, dict[str, object]] = {"PHONEBIND": {}}
    exec(block, setting)  # noqa: S102
    assert setting["PHONEBIND"]["HUMAN_CHECK"] == human.NOTHING
    assert tuple(Settings(limits=setting["PHONEBIND"]["LIMITS"]).limits) == human.BOUNDS  # type: ignore[arg-type]


@both
def test_the_figures_of_the_proof_of_work_are_those_of_the_code(language: str) -> None:
    text = read("how-to/human-checks", language)
    bearable = limits.rule("sms_site_day").limit / 24
    told = [found[1] for row in rows(text) if (found := re.fullmatch(r"(\d+) (?:or more|条起)", row[-1]))]
    assert told == [str(math.ceil(bearable)), str(math.ceil(bearable * human.BURST))]
    assert f" {bearable:.0f}" in text
    assert all(f"{number:,}" in text for number in (altcha.TRIES, altcha.TRIES // 2, altcha.MAX_COST))


@both
def test_the_codes_of_tencent_are_those_that_another_try_repairs(language: str) -> None:
    text = read("how-to/tencent-captcha", language)
    assert f"`{ENDPOINT}`" in text
    assert f"`{SCRIPT}`" in text
    [row] = [found[1] for row in rows(text) if (found := re.match(r"\D+(6 (?:to|到) 13.*?)[:：]", row[0]))]
    spans = re.findall(r"(\d+)(?: (?:to|到) (\d+))?", row)
    assert {code for first, last in spans for code in range(int(first), int(last or first) + 1)} == PERSON


def test_both_pages_of_the_study_have_the_same_figures() -> None:
    chinese, english = (filled(read("explanation/image-codes", language)) for language in LANGUAGES)
    assert [*chinese] == [*english] == ["designs", "steps", "colour-vision", "drawing"]
    for name, text in english.items():
        head = [cell.strip() for cell in text.partition("\n")[0][1:-1].split("|")]
        table = Table(name, head, [*rows(text)])
        assert table.markdown() == text
        assert in_chinese(table).markdown() == chinese[name]


def test_the_study_has_chinese_for_all_that_it_names() -> None:
    assert {*DESIGNS, *STEPS, *sight.SIGHTS} <= {*WORDS}


@both
def test_the_check_of_the_example_believes_one_answer_once(language: str) -> None:
    [source] = [code for _, code in blocks(read("how-to/human-checks", language), "python") if "class Riddle" in code]
    module: dict[str, Any] = {}
    exec(source, module)  # noqa: S102
    riddle = type("WithRiddles", (module["Riddle"],), {"pick": lambda self: ("One and one?", "2")})("a secret")
    assert riddle.check() == []
    mobile, other, address = "13800000001", "13800000002", "127.0.0.1"
    for who, said, right in ((mobile, "3", False), (other, "2", False), (mobile, "2", True)):
        asked = riddle.issue(mobile)
        assert asked["question"] == "One and one?"
        assert riddle.verify(who, address, f"{asked['number']} {said}") is right
        assert riddle.verify(mobile, address, f"{asked['number']} 2") is False
    assert riddle.verify(mobile, address, "") is False
