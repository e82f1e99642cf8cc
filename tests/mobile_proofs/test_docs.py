"""docs/en/how-to/one-tap.md and its Chinese page say what the code does."""

import re

import pytest

from phonebind import limits, mobile_proofs
from phonebind.conf import Settings
from phonebind.mobile_proofs.aliyun import Aliyun
from phonebind.mobile_proofs.tencent import Tencent
from phonebind.verified import STRENGTHS
from tests.support.documents import LANGUAGES, read

both = pytest.mark.parametrize("text", [read("how-to/one-tap", language) for language in LANGUAGES], ids=LANGUAGES)


@both
def test_every_source_strength_and_limit_is_documented(text: str) -> None:
    first = set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE))
    rules = {name for name in limits.RULES if name.startswith("proof_")}
    assert {*mobile_proofs.SOURCES, *STRENGTHS, *rules} <= first
    for name in rules:
        assert f"{limits.rule(name).limit:,}" in next(line for line in text.splitlines() if f"`{name}`" in line)


@both
def test_every_code_of_the_operators_is_documented(text: str) -> None:
    for code in f"{Aliyun.operator} {Tencent.operator}".split():
        assert code.rstrip(".*") in text


@both
def test_the_defaults_are_the_documented_ones(text: str) -> None:
    told = dict(re.findall(r'^PHONEBIND\["(\w+_PROOFS)"\] = (\(.*\))$', text, re.MULTILINE))
    defaults = Settings()
    assert told == {
        "NEW_ACCOUNT_PROOFS": str(defaults.new_account_proofs).replace("'", '"'),
        "JOIN_PROOFS": str(defaults.join_proofs).replace("'", '"'),
    }
