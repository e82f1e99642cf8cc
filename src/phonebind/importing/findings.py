"""Problems that the operator must know before the import: each kind, and the users of each finding.

Each kind is one SELECT over the scratch file. It gives one finding for each openid, mobile number or row of the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby, islice
from typing import Any

from django.utils.translation import gettext_lazy as _

from phonebind import masking
from phonebind.exceptions import Text
from phonebind.importing import people, selects
from phonebind.importing.base import as_iso
from phonebind.importing.scratch import Scratch
from phonebind.importing.source import EMPTY, MALFORMED, PADDED

#: The maximum number of users that one finding names. A mobile number that every user has by default would fill the
#: memory.
_NAMED = 100


class Bears(Enum):
    """What a kind of finding has an effect on."""

    ROW = "row"  # the row is left out
    USER = "user"  # the binding of the user is written anyway
    NOTHING = "nothing"  # for information only


@dataclass(frozen=True)
class Kind:
    """One kind of finding. ``select`` yields the key that groups its rows, and then the columns of :func:`_user`."""

    name: str
    bears: Bears
    says: Text
    select: str


@dataclass(frozen=True)
class Finding:
    """One openid, mobile number or row, with its users. ``more`` is the number of users that are not named."""

    kind: Kind
    openid: str | None
    mobile: str | None
    users: list[dict[str, Any]]
    more: int = 0


def _of_row(name: str, says: Text, select: str) -> Kind:
    return Kind(name, Bears.ROW, says, select)


def _of_user(name: str, says: Text, select: str) -> Kind:
    return Kind(name, Bears.USER, says, select)


KINDS = (
    _of_row(EMPTY, _("The openid is empty: delete the row."), selects.FAULT.format(EMPTY)),
    _of_row(
        MALFORMED,
        _("This is no openid: it is too long, or has characters that no openid has. Delete the row."),
        selects.FAULT.format(MALFORMED),
    ),
    _of_row(PADDED, _("There are blanks around the openid: take them away."), selects.FAULT.format(PADDED)),
    _of_row(
        "openid_spelled_twice",
        _(
            "Openids that differ only in case or blanks: the provider knows one of them. Delete the others, "
            "or choose by a file for --prefer."
        ),
        selects.SPELLED,
    ),
    _of_row("openid_shared", _("Several users have one openid: choose with --prefer."), selects.SHARED),
    _of_row(
        "openid_taken",
        _(
            "The openid is bound already, to the user who is named first. If that is wrong, unbind it and run "
            "this again."
        ),
        selects.TAKEN,
    ),
    _of_row("user_gone", _("There is no such user: delete the row."), selects.GONE),
    _of_user(
        "mobile_missing",
        _(
            "The user has no mobile number: make an empty text NULL; NULL itself may stay, "
            "with --accept mobile_missing."
        ),
        selects.MISSING,
    ),
    _of_user(
        "mobile_malformed",
        _(
            "The user's mobile is no number, or is not written as MOBILE_FORMAT says: correct it, "
            "or nobody is found by it."
        ),
        selects.MALFORMED,
    ),
    _of_user(
        "mobile_doubled",
        _(
            "Several users have one mobile, which must be unique: leave it to one of them, "
            "and make it NULL for the others."
        ),
        selects.DOUBLED,
    ),
    _of_user(
        "username_is_mobile",
        _("The username of the first is the mobile of the other, who is found by it: rename the first."),
        selects.NAMED_BY_MOBILE,
    ),
    Kind(
        "user_disabled",
        Bears.NOTHING,
        _("The user is disabled: bound as before, and refused as before."),
        selects.DISABLED,
    ),
)

BY_NAME = {kind.name: kind for kind in KINDS}


def find(scratch: Scratch) -> Iterator[Finding]:
    """All findings, kind by kind."""
    for kind in KINDS:
        for _key, rows in groupby(scratch.select(kind.select), key=lambda row: row[0]):
            yield _finding(kind, rows)


def late(name: str, openid: str, person: str, owner: str | None = None) -> Finding:
    """The finding for a change between the reading and the writing."""
    users = [{"user": people.shown(each)} for each in (owner, person) if each is not None]
    return Finding(BY_NAME[name], openid, None, users)


def _finding(kind: Kind, rows: Iterator[Any]) -> Finding:
    named = list(islice(rows, _NAMED))
    mobile, openids = named[0][2], {openid for _key, openid, *_rest in named}
    users = [_user(*row[3:11]) for row in named]
    if len(openids) > 1:
        users = [{"openid": row[1]} | user for row, user in zip(named, users, strict=True)]
    openid = openids.pop() if len(openids) == 1 else None
    return Finding(kind, openid, masking.mobile(mobile or "") or None, users, more=sum(1 for _row in rows))


def _user(  # noqa: PLR0913, PLR0917 - one for each column
    row: Any, person: Any, login: Any, joined: Any, disabled: Any, first: Any, last: Any, rows: Any
) -> dict[str, Any]:
    told: dict[str, Any] = {} if row is None else {"row": row}
    told["user"] = None if person is None else people.shown(person)
    if disabled is not None:
        told |= {"is_active": not disabled, "last_login": as_iso(login), "date_joined": as_iso(joined)}
    if first is not None:
        told["bound_at"] = as_iso(first)
    if rows is not None:
        told |= {"bound_last": as_iso(last), "rows": rows}
    return told
