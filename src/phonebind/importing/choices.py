"""``--prefer FILE``: the user that each openid belongs to, one in a line. Every line is checked."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from phonebind.importing import people
from phonebind.importing.base import ImportRefused
from phonebind.importing.scratch import Scratch

_HEADER = ["openid", "user_id"]
#: The maximum number of wrong lines that one error names.
_NAMED = 20

_KNOWN = """
SELECT COUNT(*) FROM source
WHERE openid = ? AND person = ? AND fault = '' AND person IN (SELECT person FROM people)
"""


def load(path: Path, scratch: Scratch) -> None:
    """Raises ImportRefused, which names each wrong line, or says why the file cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            wrong = list(_load(csv.reader(file), scratch))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportRefused(
            _("--prefer is neither newest nor oldest, nor a file that can be read: %(error)s") % {"error": error}
        ) from None
    if wrong:
        raise ImportRefused("\n".join(wrong[:_NAMED]))


def _load(lines: Any, scratch: Scratch) -> Iterator[str]:
    key_of = people.keys()
    for cells in lines:
        if cells in ([], _HEADER):
            continue
        try:
            openid, user = cells
        except ValueError:
            yield _("Line %(line)s: write openid,user_id.") % {"line": lines.line_num}
            continue
        user = user.strip()
        if scratch.number("SELECT COUNT(*) FROM chosen WHERE openid = ?", openid):
            yield _("Line %(line)s: this openid stands on an earlier line, too.") % {"line": lines.line_num}
        elif not scratch.number(_KNOWN, openid, key_of(user)):
            message = _("Line %(line)s: the table has no such openid of a user that there is.")
            yield message % {"line": lines.line_num}
        else:
            scratch.add("chosen", [(openid, key_of(user))])
