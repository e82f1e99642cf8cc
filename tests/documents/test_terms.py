"""One word for one thing: docs/en/reference/terms.md and its Chinese page define the words."""

import re

import pytest

from tests.support.documents import LANGUAGES, ROOT, column, prose, read
from tests.support.tree import files

#: These files define the forbidden words, so they contain them.
_ALLOWED = ("docs/zh/reference/terms.md", "docs/en/reference/terms.md", "tests/documents/test_terms.py")


def _never(language: str) -> list[str]:
    return column(read("reference/terms", language), -1)


#: These files quote vendors and the course, or search for such words themselves.
_QUOTES = (
    "src/phonebind_sandbox/faults.py", "src/phonebind_sandbox/one_tap_codes.py", "src/phonebind_sandbox/sms_codes.py",
    "tests/sms/", "tests/mobile_proofs/", "tests/sandbox/test_pages.py",
    "tests/tutorial_shop/project/", "tests/front_ends/tutorial/", "tests/journeys/test_tutorial_pages.py",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_another_word_for_it(language: str) -> None:
    """In documents, words in code are a vendor's own."""
    words = re.compile("|".join(_never(language)), re.IGNORECASE)
    kinds = [f"*.{kind}" for kind in ("md", "py", "po", "html", "js", "ts", "vue", "yml", "yaml")]
    found = {
        (name, word)
        for name in files(*kinds)
        if name not in _ALLOWED and not name.startswith(_QUOTES)
        for text in [(ROOT / name).read_text()]
        for word in words.findall(prose(text) if name.endswith(".md") else text)
    }
    assert found == set()
