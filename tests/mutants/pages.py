"""The results in docs/en/explanation/mutants.md and its Chinese page: a table, and the survivors.

All text from the heading of the table on is written by this module. The reason why a survivor is acceptable is written
by hand, in each language, and is kept.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PAGES = {language: Path(f"docs/{language}/explanation/mutants.md") for language in ("zh", "en")}
_SURVIVOR = re.compile(r"- `(.*?)`: `(.*?)` → `(.*?)`: (.+)")
_COUNTED = ("killed", "survived", "timeout")


class Outcome(NamedTuple):
    where: str
    before: str
    after: str
    status: str


class _Words(NamedTuple):
    measured: str
    survivors: str
    head: str
    unexplained: str


_WORDS = {
    "zh": _Words(
        "## 测量结果 {#measured}\n",
        "## 存活的变异 {#survivors}\n",
        "| 模块 | 变异 | 杀死 | 存活 | 超时 | % |",
        "**没有说明**",
    ),
    "en": _Words(
        "## Measured\n",
        "## Survivors\n",
        "| module | mutants | killed | survived | timeout | % |",
        "**not explained**",
    ),
}


def updated(text: str, language: str, measured: Mapping[str, Sequence[Outcome]]) -> str:
    """The page with the new results of these modules. The results of all other modules stay."""
    words = _WORDS[language]
    introduction, _, rest = text.partition(words.measured)
    rows = {line.split("`")[1]: line for line in rest.splitlines() if line.startswith("| `")}
    sections = {part.partition("\n")[0].split("`")[1]: part.partition("\n")[2] for part in rest.split("\n### ")[1:]}
    for module, found in measured.items():
        rows[module] = _row(module, found)
        sections[module] = _survivors(found, sections.get(module, ""), words.unexplained)
    table = "\n".join([words.head, "|---|---:|---:|---:|---:|---:|", *rows.values()])
    # The anchor that MkDocs makes in English.
    anchor = "" if language == "en" else " {{#{}}}"
    lists = "".join(
        f"\n### `{module}`{anchor.format(module.replace('/', ''))}\n\n{section.strip()}\n"
        for module, section in sections.items()
        if section.strip()
    )
    return f"{introduction}{words.measured}\n{table}\n\n{words.survivors}{lists}"


def shares(text: str) -> dict[str, float]:
    """By module on the page: the per cent of mutants that did not survive."""
    return {line.split("`")[1]: float(line.split("|")[-2]) for line in re.findall(r"^\| `.*$", text, re.MULTILINE)}


def unexplained(text: str, language: str) -> int:
    """How many survivors have no reason. The introduction contains the mark too, so only the list is searched."""
    return text.count(f": {_WORDS[language].unexplained}\n")


def _row(module: str, found: Sequence[Outcome]) -> str:
    counts = [sum(one.status == status for one in found) for status in _COUNTED]
    share = 100 * (counts[0] + counts[2]) / len(found)
    return f"| `{module}` | {len(found)} | {' | '.join(map(str, counts))} | {share:.1f} |"


def _survivors(found: Sequence[Outcome], before: str, unexplained: str) -> str:
    reasons = {(where, old, new): why for where, old, new, why in _SURVIVOR.findall(before)}
    survivors = dict.fromkeys(one[:3] for one in found if one.status == "survived")
    return "".join(
        f"- `{where}`: `{old}` → `{new}`: {reasons.get((where, old, new), unexplained)}\n"
        for where, old, new in survivors
    )
