"""What MkDocs lacks for this site: shared pictures, files of the repository, links into it, the other language."""

import posixpath
import re
import tomllib
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Where files of the repository can be read.
SOURCE = PROJECT["urls"]["Source"] + "/blob/main/"

LANGUAGES = {"zh": "中文", "en": "English"}

# A link or the source of a picture: what stands before the target, the target without its anchor, and the rest.
_TARGET = re.compile(r"(\]\(|src=\")([^)#\s\"]+)([^)\s\"]*)")
# In the repository it is a link to the file. On the site the file stands there, from its first section on.
_ALL_OF_IT = re.compile(r"^<!-- all of it: --> \[[^\]]+\]\(([^)]+)\)$", re.MULTILINE)
_CODE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: Any) -> Files:
    """Add what both languages show: ``docs/images`` and the style sheet."""
    files.append(File.generated(config, "site.css", abs_src_path=str(ROOT / "docs/site/site.css")))
    for path in sorted((ROOT / "docs/images").rglob("*.*")):
        name = path.relative_to(ROOT / "docs").as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links that leave the language's folder work on the site too. In the repository they work as they are."""
    folder = posixpath.join("docs", Path(config.docs_dir).name)
    here = posixpath.dirname(posixpath.join(folder, page.file.src_uri))
    markdown = _ALL_OF_IT.sub(
        lambda match: _included(posixpath.normpath(posixpath.join(here, match[1])), here), markdown
    )

    def lead(match: re.Match[str]) -> str:
        before, target, rest = match.groups()
        if "://" in target or target.startswith(("mailto:", "/")):
            return match[0]
        there = posixpath.normpath(posixpath.join(here, target))
        if there.startswith(folder + "/"):
            return match[0]
        if there.startswith("docs/images/"):
            image = there.removeprefix("docs/")
            if before == 'src="':  # MkDocs leaves HTML as it is, so this one begins where the page is on the site.
                return before + posixpath.relpath(image, page.url or ".") + rest
            return before + posixpath.relpath(posixpath.join(folder, image), here) + rest
        if not (ROOT / there).exists():
            return match[0]  # MkDocs complains of it
        return before + SOURCE + there + rest

    # Code stays as it is.
    return "".join(text if index % 2 else _TARGET.sub(lead, text) for index, text in enumerate(_CODE.split(markdown)))


def _included(name: str, here: str) -> str:
    """A file of the repository, with links as they are right in the page's own folder."""
    text = (ROOT / name).read_text()

    def lead(match: re.Match[str]) -> str:
        before, target, rest = match.groups()
        if "://" in target:
            return match[0]
        there: str = posixpath.relpath(posixpath.join(posixpath.dirname(name), target), here)
        return before + there + rest

    return _TARGET.sub(lead, text[text.index("\n## ") :])


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """The language switch stays on the page. ``site/zh/1.0.0/faq/`` is ``site/en/1.0.0/faq/`` in the other one."""
    version = Path(config.site_dir).name
    config.extra["alternate"] = [
        {"name": name, "lang": language, "link": f"../../{language}/{version}/{page.url}"}
        for language, name in LANGUAGES.items()
    ]
    return context
