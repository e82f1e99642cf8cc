"""The diagrams: drawn from the committed sources, in both languages, and readable in each program that shows SVG."""

import re
from xml.etree import ElementTree as ET

import pytest

from docs.site.draw import PICTURES, SOURCES, digest, drawn_from
from tests.support.documents import LANGUAGES

NAMES = sorted(path.stem for path in SOURCES.glob("*.mmd"))
TITLES = sorted({name.partition(".")[0] for name in NAMES})


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_drawn_from_this_source(name: str) -> None:
    picture = (PICTURES / f"{name}.svg").read_text()
    assert drawn_from(picture) == digest((SOURCES / f"{name}.mmd").read_text()), "run scripts/diagrams"


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_and_github_show_all_of_it(name: str) -> None:
    """GitHub hides HTML in an SVG. A script or another host has no place in a picture."""
    picture = (PICTURES / f"{name}.svg").read_text()
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(picture).iter()}  # noqa: S314 - ours
    assert "text" in tags
    assert not tags & {"foreignObject", "script", "image"}
    assert "@import" not in picture
    assert set(re.findall(r"https?://[^\"' )]*", picture)) == {"http://www.w3.org/2000/svg"}
    assert len(picture) < 60_000


@pytest.mark.parametrize("title", TITLES)
def test_both_languages_draw_the_same(title: str) -> None:
    """Both have the same lines with other words: keywords, participants, nodes and arrows are in the same order."""
    chinese, english = ((SOURCES / f"{title}.{language}.mmd").read_text() for language in LANGUAGES)
    assert _drawing(chinese) == _drawing(english)


def _drawing(source: str) -> list[str]:
    words = re.compile(r"(?<=: ).*|(?<= as ).*|(?<=alt ).*|(?<=else ).*|\[.*?\]|\(.*?\)|(?<=-- ).*?(?= -->)")
    return [words.sub("", line) for line in source.splitlines()]
