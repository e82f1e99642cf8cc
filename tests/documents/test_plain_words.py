"""Plain English: words that make a sentence hard are not used, and the hardest sentences of before are gone."""

import re

from tests.support import tree
from tests.support.documents import ROOT, prose

#: Each word can be said more simply. Read the sentence aloud, then write subject, verb, object.
HARD_WORDS = (
    "shall",
    "whoever",
    "lest",
    "what becomes of",
    "is told of",
    "but for",
    "one's own",
    "as many again",
)
#: From documents and docstrings before version 1.0.
HARD_SENTENCES = (
    "a code that is worth nothing, so that nobody learns by an SMS that did not come who has an account",
    "What a person learns by it is whether the phone of the number that they entered took an SMS",
    "and one that does not is kept from nobody by what others send",
    "Whom the host's own manager hides (soft deletion), or `is_active` refuses, neither signs in nor binds nor",
    "A Django `ValidationError` is told to the person, unless that is why",
    "who is recognised by the unionid from another app of yours has bound nothing and is `signed_in` only",
    "Who has nothing left to show who they are, since the number is lost and there is no password and no provider",
    "In a burst a place is waited for, in order: a second at most to hash, half a second for a neighbour",
    "whoever is known from another app alone is told as new, and nothing is written for an account that perhaps is not",
    "What costs OCR something costs people more, and what costs it nothing need not cost them anything",
)
#: This file must contain the words that it forbids.
_HERE = "tests/documents/test_plain_words.py"


def _texts(*patterns: str) -> dict[str, str]:
    """The text of each file of the project that one of these patterns matches, on one line."""
    names = [name for name in tree.files(*patterns) if name != _HERE]
    return {name: re.sub(r"\s+(?:# |#: )?", " ", (ROOT / name).read_text()) for name in names}


def test_no_document_and_no_source_has_a_hard_word() -> None:
    words = re.compile(rf"\b(?:{'|'.join(HARD_WORDS)})\b", re.IGNORECASE)
    texts = _texts("docs/en/*.md", "README.md", "CONTRIBUTING.md", "SECURITY.md", "src/*.py", "server/*.py")
    assert len(texts) > 300
    found = [
        (name, text[max(0, match.start() - 40) : match.end() + 40])
        for name, text in texts.items()
        for match in words.finditer(prose(text) if name.endswith(".md") else text)
    ]
    assert found == []


def test_the_hardest_sentences_of_before_are_gone() -> None:
    texts = _texts("*.md", "*.py")
    assert [(name, hard) for name, text in texts.items() for hard in HARD_SENTENCES if hard in text] == []
