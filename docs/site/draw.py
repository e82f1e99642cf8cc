"""``scripts/diagrams``: draws ``docs/site/diagrams/*.mmd`` as ``docs/images/*.svg``, with mermaid in Chromium.

A picture carries the digest of what it was drawn from. A test compares it, so nobody forgets to draw again.
"""

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1]
SOURCES, PICTURES = DOCS / "site" / "diagrams", DOCS / "images"
#: The npm package that draws them; scripts/diagrams installs it.
MERMAID = "mermaid@11.17.1"
#: Text is text, since GitHub hides HTML in an SVG. The ids do not change from run to run.
SETTINGS: dict[str, Any] = {
    "startOnLoad": False,
    "htmlLabels": False,
    "deterministicIds": True,
    "look": "classic",
    "theme": "base",
    "themeVariables": {
        "fontFamily": "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
        "primaryColor": "#e8eaf6",
        "primaryBorderColor": "#3f51b5",
        "lineColor": "#424242",
        "textColor": "#212121",
        "noteBkgColor": "#fff8e1",
        "noteBorderColor": "#bdbdbd",
        "clusterBkg": "#fafafa",
        "clusterBorder": "#bdbdbd",
        "edgeLabelBackground": "#fafafa",
    },
    # mermaid's own is half transparent: the line runs through the words.
    "themeCSS": ".edgeLabel rect { opacity: 1 !important; }",
    "flowchart": {"htmlLabels": False, "nodeSpacing": 30, "rankSpacing": 40, "padding": 10},
    "sequence": {"mirrorActors": False, "width": 110, "height": 40, "actorMargin": 24, "noteMargin": 6, "boxMargin": 6},
}
_MARGIN = 16


def digest(source: str) -> str:
    """Of all that a picture is made of."""
    return hashlib.sha256(f"{MERMAID} {SETTINGS} {source}".encode()).hexdigest()[:16]


def drawn_from(picture: str) -> str:
    """The digest that a picture carries."""
    found = re.search(r'data-drawn-from="(\w+)"', picture)
    return found[1] if found else ""


def main(mermaid: Path) -> None:
    """Draw those whose source has changed. ``mermaid``: the script of the npm package."""
    from tests.support.browser import chromium  # noqa: PLC0415 - the digest is compared without a browser

    with chromium() as browser:
        page = browser.new_page()
        page.add_script_tag(path=mermaid)
        page.evaluate("settings => mermaid.initialize(settings)", SETTINGS)
        for path in sorted(SOURCES.glob("*.mmd")):
            source, target = path.read_text(), PICTURES / f"{path.stem}.svg"
            if target.exists() and drawn_from(target.read_text()) == digest(source):
                continue
            svg = page.evaluate("async source => (await mermaid.render('d', source)).svg", source)
            target.write_text(_finished(svg, digest(source)))
            print(target.relative_to(DOCS.parent))


def _finished(svg: str, drawn_from: str) -> str:
    """With its digest, a margin and a white ground: readable where the page around it is dark, too."""
    x, y, width, height = (float(number) for number in re.findall(r'viewBox="([^"]+)"', svg)[0].split())
    box = f"{x - _MARGIN:g} {y - _MARGIN:g} {width + 2 * _MARGIN:g} {height + 2 * _MARGIN:g}"
    svg = re.sub(r'viewBox="[^"]+"', f'data-drawn-from="{drawn_from}" viewBox="{box}"', svg, count=1)
    return svg.replace('style="', 'style="background-color: #fff; ', 1).replace("<br>", "<br/>") + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
