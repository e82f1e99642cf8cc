"""Our scripts run in common browsers: Safari from 13.1, and in-app browsers that are based on Chromium 70.

A browser that does not know one character of a script runs none of it. It then shows the plain form. But a convenient
`?.` must not remove the script for every visitor who reads this shop inside WeChat.
"""

import re
from pathlib import Path

import pytest

import phonebind

SCRIPTS = sorted(Path(phonebind.__file__).parent.glob("pages/**/*.js"))

METHODS = (
    "at replaceAll matchAll fromEntries allSettled any hasOwn findLast findLastIndex toSorted toReversed toSpliced "
    "with groupBy withResolvers try requestSubmit replaceChildren randomUUID timeout showModal isWellFormed toHex "
    "toBase64 fromBase64 fromHex checkVisibility moveBefore setHTML"
)
NAMES = (
    "globalThis structuredClone queueMicrotask WeakRef FinalizationRegistry AggregateError navigation scheduler "
    "CompressionStream cookieStore BroadcastChannel ResizeObserver SubmitEvent"
)
#: By name: a pattern for the feature in code, and an example that the pattern must find. Versions:
#: developer.mozilla.org.
NEWER = {
    "optional chaining (Chromium 80)": (r"\?\.(?!\d)", "form?.value"),
    "?? (Chromium 80)": (r"\?\?", "a ?? b"),
    "logical assignment (Chromium 85)": (r"(?:\|\||&&)=", "a ||= b"),
    "numeric separators (Chromium 75)": (r"\d_\d", "120_000"),
    "BigInt (Safari 14)": (r"\b\d+n\b", "10n"),
    "classes, whose fields are newer (Safari 14.1)": (r"\bclass\b", "class Form { sent = 1 }"),
    "await outside of functions (Chromium 89)": (r"^(?:\w[^\n]*=\s*)?await\b", "const a = await b;"),
    "import attributes (Chromium 123)": (r"\bimport\b[^;\n]*\bwith\s*\{", 'import a from "b" with { type: "json" }'),
    "export * as (Chromium 72)": (r"\bexport\s*\*\s*as\b", "export * as a"),
    "later methods": (rf"\.(?:{'|'.join(METHODS.split())})\(", "list.at(-1)"),
    "later names": (rf"\b(?:{'|'.join(NAMES.split())})\b", "structuredClone(a)"),
}

#: Text that is no code: comments, and the content of strings.
SILENT = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL)


def newer(source: str) -> list[str]:
    code = SILENT.sub('""', source)
    return [name for name, (pattern, _) in NEWER.items() if re.search(pattern, code, re.MULTILINE)]


def test_there_are_scripts_to_look_at() -> None:
    assert {"code_form.js", "human.js"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_written_in_what_old_browsers_know(path: Path) -> None:
    assert newer(path.read_text()) == []


@pytest.mark.parametrize("name", NEWER)
def test_what_is_newer_would_be_found(name: str) -> None:
    assert name in newer(NEWER[name][1])


def test_what_is_old_is_not_found() -> None:
    assert (
        newer("a ? .5 : b; // a?.b ?? c\nconst { x = 1 } = y;\nasync function f() { await g(); }\nimport('x');") == []
    )


#: Without these features, a page looks wrong, not only simpler.
NEWER_STYLES = {
    ":has() (Chromium 105)": (r":has\(", ".row:has(.image) {}"),
    "gap in rows (Chromium 84)": (r"[{;\s](?:row-|column-)?gap:", ".row { gap: 1rem }"),
    "inset (Chromium 87)": (r"inset(?:-[a-z-]+)?:", ".show { inset: 0 }"),
    "both sides at once (Chromium 87)": (r"-(?:block|inline):", ".facts { border-block: 0 }"),
    "nesting (Chromium 112)": (r"^\s*&", "  &:hover {}"),
    "layers, containers (Chromium 99)": (r"@(?:layer|container|scope)\b", "@layer base {}"),
    "aspect-ratio (Chromium 88)": (r"aspect-ratio:", "img { aspect-ratio: 1 }"),
}


def newer_styles(source: str) -> list[str]:
    rules = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    return [name for name, (pattern, _) in NEWER_STYLES.items() if re.search(pattern, rules, re.MULTILINE)]


def test_the_styles_are_what_old_browsers_know() -> None:
    [path] = Path(phonebind.__file__).parent.glob("pages/**/*.css")
    assert newer_styles(path.read_text()) == []


@pytest.mark.parametrize("name", NEWER_STYLES)
def test_what_is_newer_in_styles_would_be_found(name: str) -> None:
    assert name in newer_styles(NEWER_STYLES[name][1])


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_the_pressed_button_is_known_without_submitter(path: Path) -> None:
    """Safari has it from 15.4, so the script always has another way too."""
    assert not re.search(r"\.submitter(?! \|\|)", SILENT.sub("", path.read_text()))
