"""``python -m docs.site.screenshots [NAME ...]``: the pictures of the documents, taken of the running product.

All of them, or those that are named, in Chinese and in English, into docs/images/NAME.LANGUAGE.png. They are the same
each time, for as long as the product and the fonts of the machine are.
"""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from docs.site.scenes import SCENES, Scene, Stage, still
from tests.support.browser import chromium
from tests.support.site import serve
from tests.support.visitor import Visitor

IMAGES = Path(__file__).resolve().parents[1] / "images"
LOCALES = {"zh": "zh-CN", "en": "en-US"}
SITE_NAMES = {"zh": "示例商城", "en": "Example Shop"}
_SHOP = {"TERMS_URL": "/terms/", "PRIVACY_URL": "/privacy/", "HELP_URL": "/help/", "RETURN_URL": "/", "OPERATIONS": "0"}


def files(name: str) -> dict[str, Path]:
    """Of one scene, by language."""
    return {language: IMAGES / f"{name}.{language}.png" for language in LOCALES}


def main(*names: str) -> None:
    unknown = sorted({*names} - SCENES.keys())
    if unknown:
        sys.exit(f"There is no picture {', '.join(unknown)}. There are: {', '.join(SCENES)}")
    with chromium() as browser:
        for name in names or SCENES:
            for language, file in files(name).items():
                file.write_bytes(small(_picture(browser, SCENES[name], language)))
                print(file.relative_to(IMAGES.parents[1]), f"{file.stat().st_size // 1024} KB")


def small(png: bytes) -> bytes:
    """The same picture in 256 colours, which is a third of the bytes."""
    palette = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    packed = io.BytesIO()
    palette.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def _picture(browser: Browser, scene: Scene, language: str) -> bytes:
    """Each on a site of its own, where nobody has been yet."""
    environ = {**_SHOP, "SITE_NAME": SITE_NAMES[language], **scene.environ}
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phonebind-", ignore_cleanup_errors=True)))
        url = stack.enter_context(serve(data, **environ))
        page = stack.enter_context(_tab(browser, scene, url, LOCALES[language]))
        scene.play(Stage(page, Visitor(url), data))
        page.wait_for_load_state("networkidle")
        # What is beside the card says nothing, but for the colours of the page around it.
        return page.screenshot(full_page=True, animations="disabled")


@contextmanager
def _tab(browser: Browser, scene: Scene, url: str, locale: str) -> Iterator[Page]:
    options: Any = {
        "base_url": url,
        "locale": locale,
        "user_agent": scene.user_agent,
        "viewport": scene.viewport,
        "color_scheme": scene.scheme,
        "device_scale_factor": 2,
    }
    with browser.new_context(**options) as context:
        context.set_default_timeout(10_000)
        still(context)
        yield context.new_page()


if __name__ == "__main__":
    main(*sys.argv[1:])
