"""Decides which rows become bindings: one user for each openid, and no user if that is uncertain.

All rows of one user with one openid are one claim. If several users claim an openid, it is shared. Then the operator's
preference decides, or the existing binding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from phonebind.importing.scratch import Scratch

NEWEST, OLDEST = "newest", "oldest"

#: A spelling that the operator has chosen is the right one.
_SPELLED = """
INSERT INTO spelled SELECT folded, MAX(openid IN (SELECT openid FROM chosen)) FROM source
WHERE fault IN ('', 'openid_padded') GROUP BY folded HAVING MIN(openid) <> MAX(openid)
"""
_CLAIMS = """
INSERT INTO claim
SELECT openid, person, MIN(created), MAX(created), MIN(seq), MAX(seq), COUNT(*), MAX(unionid) FROM source
WHERE fault = '' AND person IN (SELECT person FROM people)
AND (folded NOT IN (SELECT folded FROM spelled) OR openid IN (SELECT openid FROM chosen))
GROUP BY folded, openid, person
"""
_SHARED = "INSERT INTO shared SELECT openid, NULL FROM claim GROUP BY openid HAVING COUNT(*) > 1"
_BY_CHOICE = "UPDATE shared SET person = (SELECT person FROM chosen WHERE openid = shared.openid)"
#: An existing binding comes before the rule: a person has proved it to us, or an earlier run has decided it.
_BY_BINDING = """
UPDATE shared SET person = (
    SELECT bound.person FROM bound JOIN claim ON claim.openid = bound.openid AND claim.person = bound.person
    WHERE bound.openid = shared.openid
) WHERE person IS NULL
"""
_BY_TIME = """
UPDATE shared SET person = (SELECT person FROM claim WHERE openid = shared.openid ORDER BY {} LIMIT 1)
WHERE person IS NULL
"""
_ORDERS = {
    NEWEST: "COALESCE(last, '') DESC, last_seq DESC",
    OLDEST: "COALESCE(first, ''), first_seq",
}
_PLAN = """
SELECT claim.openid, claim.person, claim.first, claim.unionid FROM claim
LEFT JOIN shared ON shared.openid = claim.openid
WHERE (shared.openid IS NULL OR shared.person = claim.person)
AND claim.openid NOT IN (SELECT openid FROM bound)
ORDER BY claim.openid
"""
_COUNTS = {
    "rows": "SELECT COUNT(*) FROM source",
    "merged": "SELECT SUM(rows - 1) FROM claim",
    "chosen": "SELECT COUNT(*) FROM shared WHERE person IS NOT NULL",
    "bound_already": "SELECT COUNT(*) FROM claim JOIN bound USING (openid) WHERE claim.person = bound.person",
    "to_write": f"SELECT COUNT(*) FROM ({_PLAN})",  # noqa: S608 - ours
}


@dataclass(frozen=True)
class Planned:
    """A binding to write. ``made`` is the text of the scratch file, or None if the source does not say when."""

    openid: str
    person: str
    made: str | None
    unionid: str | None


def decide(scratch: Scratch, prefer: str) -> None:
    """``prefer`` is :data:`NEWEST`, :data:`OLDEST` or "" for neither.

    Single choices are already in the scratch file.
    """
    for sql in (_SPELLED, _CLAIMS, _SHARED, _BY_CHOICE, _BY_BINDING):
        scratch.run(sql)
    if prefer:
        scratch.run(_BY_TIME.format(_ORDERS[prefer]))


def plan(scratch: Scratch, size: int) -> Iterator[list[Planned]]:
    """The bindings to write, in batches of ``size``."""
    rows = scratch.select(_PLAN)
    while batch := [Planned(*row) for row in islice(rows, size)]:
        yield batch


def counts(scratch: Scratch) -> dict[str, int]:
    """The number of rows, and how many of them are merged, chosen, already bound, and to be written."""
    return {name: scratch.number(sql) for name, sql in _COUNTS.items()}
