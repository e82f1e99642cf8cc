"""The pictures of the documents: each exists, is shown in its language, and can be made again by a command."""

import re

import pytest
from PIL import Image

from docs.site import screenshots
from docs.site.draw import SOURCES
from docs.site.scenes import SCENES
from tests.support.documents import DOCS, LANGUAGES, PAGES, ROOT, page

#: Made by other commands: make bench, make captcha-study, make diagrams.
OTHERS = {"performance.png", "image-codes.jpg", "image-codes-compared.jpg"} | {
    f"{source.stem}.svg" for source in SOURCES.glob("*.mmd")
}
TEXTS = {
    "zh": [*(page("zh", name) for name in PAGES), ROOT / "README.zh-CN.md"],
    "en": [*(page("en", name) for name in PAGES), ROOT / "README.md"],
}


def shown(language: str) -> set[str]:
    """The names of the pictures in the texts of a language."""
    return {
        name for path in TEXTS[language] for name in re.findall(r"images/([\w.-]+\.(?:png|jpg|svg))", path.read_text())
    }


def test_every_picture_is_made_by_a_command() -> None:
    made = {path.name for name in SCENES for path in screenshots.files(name).values()}
    assert {path.name for path in (DOCS / "images").iterdir()} == made | OTHERS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_shown_in_its_language_and_is_there(language: str) -> None:
    names = shown(language)
    assert {name for name in names if not (DOCS / "images" / name).exists()} == set()
    assert names - OTHERS == {f"{name}.{language}.png" for name in SCENES}


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_small(name: str) -> None:
    for path in screenshots.files(name).values():
        assert path.stat().st_size < 150_000
        with Image.open(path) as image:
            assert image.mode == "P"


def test_a_picture_that_is_unknown_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"There is no picture nothing\. There are: sign-in, "):
        screenshots.main("nothing")
