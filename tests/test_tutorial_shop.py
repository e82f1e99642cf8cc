"""docs/en/how-to/coming-from-the-tutorial.md is followed: a shop in the tutorial's form moves over by it."""

import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.support.startproject import ROOT, blocks
from tests.tutorial_shop import shop

pytestmark = pytest.mark.once

CHINESE = "docs/zh/how-to/coming-from-the-tutorial.md"


def test_a_shop_moves_along_the_guide(tmp_path: Path) -> None:
    """Old code and new code use one database, in the guide's order. Each file has its own tests."""
    old, new, lean = (tmp_path / name for name in ("old", "new", "lean"))
    shop.before(old)
    shop.moved(new)
    shop.lean(lean)
    shop.run(old, "before.py")
    shop.run(new, "prepared.py")
    shop.run(old, "meanwhile.py")
    shop.run(new, "moved.py", "back.py")
    shop.run(lean, "lean.py")
    shop.run(new, "again.py")


def test_it_is_tried_on_ones_own_machine(tmp_path: Path) -> None:
    project = tmp_path / "new"
    shop.moved(project)
    # No hosts file on this machine contains the shop's name.
    with shop.sandbox("--redirect-uri", "http://www.meiduo.site:8080/oauth_callback.html") as address:
        local = project / "shop/local.py"
        local.write_text(local.read_text().replace("http://127.0.0.1:9000/", address))
        shop.run(project, "trial.py", settings="shop.local", plugins=())


def test_both_languages_have_the_same_code_and_sections() -> None:
    assert blocks(CHINESE) == blocks(shop.GUIDE)
    levels = [re.findall(r"^(#+) ", (ROOT / page).read_text(), re.MULTILINE) for page in (shop.GUIDE, CHINESE)]
    assert levels[0] == levels[1]


@pytest.mark.parametrize("page", [shop.GUIDE, CHINESE])
def test_the_line_that_mends_the_captcha_measures_a_letter(page: str) -> None:
    [broken, mended] = re.findall(r"`(draw\.text\w+\(.*?)`", (ROOT / page).read_text())
    names = {"draw": ImageDraw.Draw(Image.new("RGB", (80, 30))), "font": ImageFont.load_default(), "c": "W"}
    with pytest.raises(AttributeError):
        eval(broken, names)  # noqa: S307 - as in the guide
    width, height = eval(mended, names)  # noqa: S307
    Image.new("RGB", (width, height))
