"""``--reverse``: removes the rows that an import has created, and no others.

A row was created by the import if its user, its openid and the microsecond of its ``created_at`` are those of the
source. A binding of a live sign-in was created at another moment, so it stays. No signals are sent: their receivers
would release the same person in other apps, and no import has bound those.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice

from django.db import connections, transaction

from phonebind import databases
from phonebind.importing.scratch import Scratch
from phonebind.models import SocialAccount

_MADE = """
SELECT bound.pk FROM bound JOIN (
    SELECT openid, person, MIN(created) AS made FROM source WHERE fault = '' GROUP BY folded, openid, person
) AS claim ON claim.openid = bound.openid AND claim.person = bound.person
WHERE bound.created = claim.made
OR (claim.made IS NULL AND bound.created IN (SELECT value FROM json_each(?)))
"""


def count(scratch: Scratch, made_at: Sequence[str]) -> int:
    """The number of rows to remove. ``made_at``: for each run, the moment of rows without a moment in the source."""
    return scratch.number(f"SELECT COUNT(*) FROM ({_MADE})", json.dumps(made_at))  # noqa: S608 - ours


def remove(scratch: Scratch, made_at: Sequence[str], size: int) -> Iterator[int]:
    """Remove them in batches, each in its own transaction. Yields the number of removed rows after each batch."""
    database = databases.primary(SocialAccount)
    table = connections[database].ops.quote_name(SocialAccount._meta.db_table)
    rows = scratch.select(_MADE, json.dumps(made_at))
    while batch := [pk for [pk] in islice(rows, size)]:
        marks = ", ".join(["%s"] * len(batch))
        with transaction.atomic(using=database), connections[database].cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id IN ({marks})", batch)  # noqa: S608 - quoted
            removed = cursor.rowcount
        yield removed
