"""The documents: docs/zh and docs/en, page for page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("zh", "en")
#: Of each page, below the folder of its language: "how-to/sms/index".
PAGES = sorted(
    {
        path.relative_to(DOCS / language).with_suffix("").as_posix()
        for language in LANGUAGES
        for path in (DOCS / language).rglob("*.md")
    }
)
_CODE = re.compile(r"^( *)(```+|~~~+)(.*?)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)


def page(language: str, name: str) -> Path:
    """Where it is."""
    return DOCS / language / f"{name}.md"


def read(name: str, language: str = "en") -> str:
    """All of a page."""
    return page(language, name).read_text()


def blocks(text: str, kind: str | None = None) -> list[tuple[str, str]]:
    """Code in fences: what stands after the fence, as ``python``, and the code without its indent."""
    found = [
        (info.split()[0] if info.split() else "", re.sub(f"^{indent}", "", code, flags=re.MULTILINE))
        for indent, _, info, code in _CODE.findall(text)
    ]
    return [each for each in found if kind in (None, each[0])]


def code(name: str, kind: str) -> list[str]:
    """The blocks of one language, of an English page."""
    return [each for _, each in blocks(read(name), kind)]


def prose(text: str) -> str:
    """Without code, in which a template may look like a link."""
    return re.sub(r"(`+)[^`]*?\1", "", _CODE.sub("", text))


def anchors(text: str) -> list[str]:
    """Of its headings, in their order: ``{#as-written}``, or made from the words."""
    headings = re.findall(r"^#{2,} +(.+?) *(?:\{#([\w.-]+)\})?$", _CODE.sub("", text), re.MULTILINE)
    return [written or _made(words) for words, written in headings]


def targets(text: str) -> set[str]:
    """Where a link to the page may lead: its headings, and ``<a id="…">`` for what was a heading once."""
    return {*anchors(text), *re.findall(r"<a id=\"([^\"]+)\">", text)}


def _made(words: str) -> str:
    """As MkDocs makes it (``pymdownx.slugs``), and GitHub nearly so."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", words)
    return re.sub(r"[^\w\- ]", "", words).strip().lower().replace(" ", "-")
