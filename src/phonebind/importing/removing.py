"""``--reverse``: what an import made is removed, and nothing else.

A row is the import's where its user, its openid and the microsecond of its ``created_at`` are the source's. What a live
sign-in has bound was made at another moment, and stays. Signals are not sent: theirs would release the same person in
other apps, which no import has bound.
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
    """How many there are. ``made_at``: what rows of each run carry whose source does not say when they were made."""
    return scratch.number(f"SELECT COUNT(*) FROM ({_MADE})", json.dumps(made_at))  # noqa: S608 - ours


def remove(scratch: Scratch, made_at: Sequence[str], size: int) -> Iterator[int]:
    """In batches, each in a transaction of its own; tells after each how many were removed."""
    database = databases.primary(SocialAccount)
    table = connections[database].ops.quote_name(SocialAccount._meta.db_table)
    rows = scratch.select(_MADE, json.dumps(made_at))
    while batch := [pk for [pk] in islice(rows, size)]:
        marks = ", ".join(["%s"] * len(batch))
        with transaction.atomic(using=database), connections[database].cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id IN ({marks})", batch)  # noqa: S608 - quoted
            removed = cursor.rowcount
        yield removed
