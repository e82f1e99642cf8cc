"""docs/en/how-to/sms/index.md in both languages, compared with the gateways."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from phonebind.checks import check_gateway
from phonebind.sms import GATEWAYS
from phonebind.sms.aliyun import Aliyun
from phonebind.sms.http import Http
from phonebind.sms.receipts import REASONS
from phonebind.sms.registry import OUTCOMES
from phonebind.sms.tencent import Tencent
from phonebind.sms.vendor import Codes
from phonebind.sms.yuntongxun import Yuntongxun
from tests.support import celery_app
from tests.support.edge import Configure

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, CHINESE = DOCS / "sms.md", DOCS / "sms.zh-CN.md"
EVERY: list[Codes] = [Aliyun.codes, Tencent.codes, Yuntongxun.codes, Http.codes]


def rows(page: Path) -> list[list[str]]:
    found = [line.strip("| ").split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in found]


def named(cell: str) -> frozenset[str]:
    return frozenset(re.findall(r"`([^`]+)`", cell))


def test_every_fault_of_the_operators_is_there_with_what_the_log_says() -> None:
    there = {(row[0], named(row[1])) for row in rows(ENGLISH) if len(row) == 2}
    for codes in EVERY:
        for advice in set(codes.advice.values()):
            assert (advice, frozenset(code for code, said in codes.advice.items() if said == advice)) in there


def test_every_fault_of_the_operators_is_there_in_chinese() -> None:
    there = {named(row[0]) for row in rows(CHINESE) if len(row) == 2}
    for codes in EVERY:
        for advice in set(codes.advice.values()):
            assert frozenset(code for code, said in codes.advice.items() if said == advice) in there


def test_both_languages_have_the_same_sections() -> None:
    """In the same order; by their level, since the words differ."""
    levels = [re.findall(r"^(#+) ", page.read_text(), re.MULTILINE) for page in (ENGLISH, CHINESE)]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_gateway_and_every_outcome_is_there(page: Path) -> None:
    cells = {name for row in rows(page) for name in named(row[0])}
    assert cells >= {*GATEWAYS, *OUTCOMES.values()}


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_reason_of_a_receipt_is_there(page: Path) -> None:
    first = [row[0].strip("`") for row in rows(page)]
    start = first.index("reason") + 1
    # After the line below the table's head.
    assert first[start : start + len(REASONS)] == list(REASONS)


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_the_settings_as_they_stand_there_pass_the_checks(
    page: Path, phonebind: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALIYUN_KEY_ID", "ALIYUN_KEY_SECRET", "TENCENT_SECRET_ID", "TENCENT_SECRET_KEY"):
        monkeypatch.setenv(name, "from-the-console")
    monkeypatch.setitem(sys.modules, "shop.celery", celery_app)
    blocks = re.findall(r'```python\n((?:import os\n\n)?PHONEBIND\["SMS"\] = .*?)```', page.read_text(), re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        settings: dict[str, Any] = {}
        filled_in = block.replace("…", "from-the-console")
        exec(filled_in, {"PHONEBIND": settings})  # noqa: S102 - what a reader pastes
        phonebind(sms=settings["SMS"])
        assert check_gateway() == []
