"""docs/en/how-to/one-tap.md and its Chinese page say what the code does."""

import re
from typing import Any

import pytest
from pytest_django import Settings as HostSettings

from phonebind import checks, limits, mobile_proofs
from phonebind.conf import Settings
from phonebind.mobile_proofs.aliyun import Aliyun
from phonebind.mobile_proofs.tencent import Tencent
from phonebind.verified import STRENGTHS
from tests.support.documents import LANGUAGES, blocks, column, read
from tests.support.edge import Configure

both = pytest.mark.parametrize("text", [read("how-to/one-tap", language) for language in LANGUAGES], ids=LANGUAGES)


@both
def test_every_source_strength_and_limit_is_documented(text: str) -> None:
    first = set(column(text))
    rules = {name for name in limits.RULES if name.startswith("proof_")}
    assert {*mobile_proofs.SOURCES, *STRENGTHS, *rules} <= first
    for name in rules:
        assert f"{limits.rule(name).limit:,}" in next(line for line in text.splitlines() if f"`{name}`" in line)


@both
def test_the_check_accepts_the_settings(
    text: str, phonebind: Configure, settings: HostSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = "".join(code for _, code in blocks(text, "python") if "PHONEBIND" in code)
    for variable in re.findall(r'environ\["(\w+)"\]', written):
        monkeypatch.setenv(variable, "x")
    entry = {"client_id": "wx1", "client_secret": "x"}
    host: dict[str, Any] = {"PHONEBIND": {**settings.PHONEBIND, "PROVIDERS": {"wechat_miniprogram": entry}}}
    exec(written, host)  # noqa: S102
    settings.PHONEBIND = host["PHONEBIND"]
    assert [*settings.PHONEBIND["MOBILE_PROOFS"]] == [*mobile_proofs.SOURCES]
    assert checks.check_mobile_proofs() == []


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
