"""The documents: docs/zh and docs/en, page for page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("zh", "en")
#: The names of the pages, below the folder of the language, such as "how-to/sms/index".
PAGES = sorted(
    {
        path.relative_to(DOCS / language).with_suffix("").as_posix()
        for language in LANGUAGES
        for path in (DOCS / language).rglob("*.md")
    }
)
_CODE = re.compile(r"^( *)(```+|~~~+)(.*?)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)


def page(language: str, name: str) -> Path:
    """The path of the page."""
    return DOCS / language / f"{name}.md"


def read(name: str, language: str = "en") -> str:
    """The text of the page."""
    return page(language, name).read_text()


def blocks(text: str, kind: str | None = None) -> list[tuple[str, str]]:
    """The fenced code blocks: the word after the fence, such as ``python``, and the code without its indent."""
    found = [
        (info.split()[0] if info.split() else "", re.sub(f"^{indent}", "", code, flags=re.MULTILINE))
        for indent, _, info, code in _CODE.findall(text)
    ]
    return [each for each in found if kind in (None, each[0])]


def excerpts(text: str) -> list[tuple[str, str]]:
    """Each code block below a line that ends with the name of a file, as in "`config/urls.py`:". The name, the code."""
    heads = re.finditer(r"`([\w./-]+)`[:：]\n\n(?= *```)", text)
    return [(head[1], blocks(text[head.end() :])[0][1]) for head in heads]


def code(name: str, kind: str) -> list[str]:
    """The code blocks of one language on an English page."""
    return [each for _, each in blocks(read(name), kind)]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of each table, without the heads."""
    lines = re.sub(r"^ *\|.*\|\n *\|[-|: ]+\|$", "", text, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in re.findall(r"^ *\|(.*)\|$", lines, re.MULTILINE)]


def named(text: str) -> list[str]:
    """The words in code: ``["a", "b c"]`` of "`a`, or `b c`"."""
    return re.findall(r"`([^`]+)`", text)


def column(text: str, place: int = 0) -> list[str]:
    """The words in code in one column of all tables."""
    return [word for row in rows(text) if place < len(row) for word in named(row[place])]


def filled(text: str) -> dict[str, str]:
    """What commands have written between ``<!-- name -->`` and ``<!-- /name -->``, by the names."""
    return dict(re.findall(r"^<!-- ([\w-]+) -->\n(.*?)\n<!-- /\1 -->", text, re.MULTILINE | re.DOTALL))


def section(text: str, anchor: str) -> str:
    """The text below a heading, up to the next heading of its level or above."""
    parts = re.split(r"^(#{2,} .*)$", text, flags=re.MULTILINE)
    titles = [
        (len(title) - len(title.lstrip("#")), made) for title, made in zip(parts[1::2], anchors(text), strict=True)
    ]
    start = [made for _, made in titles].index(anchor)
    below = [title for title in range(start + 1, len(titles)) if titles[title][0] <= titles[start][0]]
    end = below[0] if below else len(titles)
    return "".join(parts[2 * start + 2 : 2 * end + 1])


def prose(text: str) -> str:
    """The text without code: a template in code may look like a link."""
    return re.sub(r"(`+)[^`]*?\1", "", _CODE.sub("", text))


def anchors(text: str) -> list[str]:
    """The anchors of the headings, in order: ``{#as-written}``, or made from the words of the heading."""
    headings = re.findall(r"^#{2,} +(.+?) *(?:\{#([\w.-]+)\})?$", _CODE.sub("", text), re.MULTILINE)
    return [written or _made(words) for words, written in headings]


def targets(text: str) -> set[str]:
    """Where a link to the page may lead: its headings, and ``<a id="…">`` for a heading of an earlier version."""
    return {*anchors(text), *re.findall(r"<a id=\"([^\"]+)\">", text)}


def _made(words: str) -> str:
    """The anchor as MkDocs makes it (``pymdownx.slugs``); GitHub's is nearly the same."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", words)
    return re.sub(r"[^\w\- ]", "", words).strip().lower().replace(" ", "-")
