"""``python -m docs.site.around SITE VERSION``: what stands around the pages that MkDocs has built.

The first page, the list of versions that the version switch reads, and old addresses.
"""

import json
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
_REDIRECT = """<!doctype html><meta charset="utf-8"><title>phonebind</title>
<meta http-equiv="refresh" content="0; url={0}"><a href="{0}">{0}</a>
"""


def main(site: Path, version: str) -> None:
    """Write them into ``site``."""
    for language in ("zh", "en"):
        built = sorted((path.name for path in (site / language).iterdir() if path.is_dir()), key=_order, reverse=True)
        versions = [{"version": each, "title": each, "aliases": []} for each in built]
        (site / language / "versions.json").write_text(json.dumps(versions))
    (site / "index.html").write_text(_REDIRECT.format(f"zh/{version}/"))
    for old, new in moved().items():
        page = site / old / "index.html"
        page.parent.mkdir(exist_ok=True)
        page.write_text(
            _REDIRECT.format(f"../{new[:2]}/{version}/{new[3:].removesuffix('index.md').removesuffix('.md')}")
        )


def moved() -> dict[str, str]:
    """From the names that documents had, as ``sms.zh-CN``, to where they are now, as ``zh/how-to/sms/index.md``."""
    return {stub.stem: _first_link(stub.read_text()) for stub in sorted(DOCS.glob("*.md"))}


def _first_link(text: str) -> str:
    found = re.search(r"\]\(([^)]+)\)", text)
    assert found, text
    return found[1]


def _order(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
