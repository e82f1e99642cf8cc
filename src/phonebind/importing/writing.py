"""Writes bindings as the source has them: in batches, each in its own transaction, while live sign-ins go on.

``bulk_create`` is not used, because it would set ``created_at`` to the present. If a live sign-in binds the same openid
at the same time, the unique constraint decides. Rows that it has refused are read again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.constants import OnConflict
from django.utils.translation import gettext as _

from phonebind import databases
from phonebind.importing import people
from phonebind.importing.base import ImportRefused, from_text
from phonebind.importing.deciding import Planned
from phonebind.importing.findings import Finding, late
from phonebind.models import SocialAccount

#: The maximum number of tries for a batch: a user may have been deleted meanwhile, or a sign-in may hold the lock.
_ATTEMPTS = 5

_FIELDS = ("user", "provider", "app_id", "openid", "unionid", "nickname", "created_at", "updated_at")


@dataclass
class Writer:
    """Writes bindings of one app. ``moment`` is for those whose source does not say when they were created."""

    provider: str
    app_id: str
    moment: datetime

    def __post_init__(self) -> None:
        self._database = databases.primary(SocialAccount)
        self._fields: list[Any] = [SocialAccount._meta.get_field(name) for name in _FIELDS]
        self._user, self._moment, self._key = self._fields[0], self._fields[-1], people.values()

    def write(self, batch: list[Planned]) -> tuple[int, list[Finding]]:
        """Returns the number of written rows, and findings for the others.

        Raises ImportRefused if a lock is never free.
        """
        written, lost = 0, list[Finding]()
        failure: Exception | None = None
        for _attempt in range(_ATTEMPTS):
            try:
                with transaction.atomic(using=self._database):
                    inserted = self._insert(batch)
            except (IntegrityError, OperationalError) as error:
                inserted, failure = 0, error
            written += inserted
            if inserted == len(batch):
                return written, lost
            batch, found = self._left(batch)
            lost += found
        message = _("A batch could not be written: %(error)s. Run it again: it goes on from here.")
        raise ImportRefused(message % {"error": failure}) from failure

    def _insert(self, batch: list[Planned]) -> int:
        connection, written = connections[self._database], 0
        rows = [self._row(planned, connection) for planned in batch]
        # Some databases limit the number of parameters of one statement.
        size = max(connection.ops.bulk_batch_size(self._fields, rows), 1)
        with connection.cursor() as cursor:
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                cursor.execute(self._sql(connection, len(part)), [value for row in part for value in row])
                written += cursor.rowcount
        return written

    def _sql(self, connection: BaseDatabaseWrapper, rows: int) -> str:
        quote, ops = connection.ops.quote_name, connection.ops
        columns = ", ".join(quote(field.column) for field in self._fields)
        values = ", ".join([f"({', '.join(['%s'] * len(self._fields))})"] * rows)
        insert = ops.insert_statement(on_conflict=OnConflict.IGNORE)
        suffix = ops.on_conflict_suffix_sql(self._fields, OnConflict.IGNORE, [], [])
        return f"{insert} {quote(SocialAccount._meta.db_table)} ({columns}) VALUES {values} {suffix}"

    def _row(self, planned: Planned, connection: BaseDatabaseWrapper) -> list[Any]:
        made = from_text(planned.made) if planned.made else self.moment
        user = self._user.get_db_prep_save(self._key(planned.person), connection)
        moment = self._moment.get_db_prep_save(made, connection)
        return [user, self.provider, self.app_id, planned.openid, planned.unionid, "", moment, moment]

    def _left(self, batch: list[Planned]) -> tuple[list[Planned], list[Finding]]:
        """The bindings that can still be written, and findings for those that cannot.

        A binding cannot be written if its openid is bound to another user by now, or if its user was deleted. MariaDB
        leaves out the row of a deleted user. The other databases refuse the whole batch.
        """
        accounts = SocialAccount._base_manager.using(self._database)
        mine = accounts.filter(provider=self.provider, app_id=self.app_id, openid__in=[each.openid for each in batch])
        owners = {openid: str(user) for openid, user in mine.values_list("openid", "user_id")}
        there = databases.people().filter(pk__in=[self._key(each.person) for each in batch])
        users = {str(pk) for pk in there.values_list("pk", flat=True)}
        left: list[Planned] = []
        lost: list[Finding] = []
        for planned in batch:
            owner = owners.get(planned.openid)
            if owner is not None and owner != planned.person:
                lost.append(late("openid_taken", planned.openid, planned.person, owner))
            elif owner is None and planned.person in users:
                left.append(planned)
            elif owner is None:
                lost.append(late("user_gone", planned.openid, planned.person))
        return left, lost
