"""Sessions, proofs of mobiles, and changes of mobile that are waiting."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

from django.conf import settings
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy as _

from phonebind.databases import primary
from phonebind.models import ExactCharField, SocialAccount
from phonebind.verified import PROVED_BY_LENGTH

Row = TypeVar("Row", bound=models.Model)
#: The parameters of a statement in order. Each is the name of a field and a value for it.
Values: TypeAlias = Sequence[tuple[str, Any]]


class WrittenOut(models.Manager[Row]):
    """SQL statements of each refresh and sign-in, written out. The ORM takes several times as long to compose such a
    statement as the database takes to answer it.
    """

    def change(self, statement: str, values: Values) -> int:
        """Run ``UPDATE … SET statement``. Returns the number of rows."""
        connection = connections[self._db or primary(self.model)]
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {self._table(connection)} SET {statement}", self._prepared(connection, values))  # noqa: S608
            return int(cursor.rowcount)

    def one(self, condition: str, values: Values) -> Row | None:
        """The row for which the condition holds, or None."""
        connection = connections[self._db or primary(self.model)]
        statement = f"SELECT * FROM {self._table(connection)} WHERE {condition}"  # noqa: S608
        rows = self.using(connection.alias).raw(statement, self._prepared(connection, values))
        return next(iter(rows), None)

    def _table(self, connection: BaseDatabaseWrapper) -> str:
        return connection.ops.quote_name(self.model._meta.db_table)

    def _prepared(self, connection: BaseDatabaseWrapper, values: Values) -> list[Any]:
        fields: Any = self.model._meta
        return [fields.get_field(name).get_db_prep_value(value, connection) for name, value in values]


class Session(models.Model):
    """One sign-in on one device, until it ends. Refresh tokens are counted, not stored: ``seq`` is the newest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="phonebind_sessions",
        verbose_name=_("user"),
    )
    #: The identity that the session began with. ``provider`` is its family, and stays after the identity is deleted.
    social_account = models.ForeignKey(
        SocialAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("identity")
    )
    provider = models.CharField(_("provider"), max_length=32, blank=True)
    #: "provider", "password" or "sms"; "refresh" if the sign-in is older than this app; "host" for the host's own
    #: sign-in.
    method = models.CharField(_("signed in by"), max_length=16)
    seq = models.PositiveIntegerField(default=0, editable=False)
    rotated_at = models.DateTimeField(_("rotated at"))
    created_at = models.DateTimeField(_("signed in at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    expires_at = models.DateTimeField(_("expires at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    end_reason = models.CharField(_("ended by"), max_length=16, blank=True)
    address = models.CharField(_("address"), max_length=64, blank=True)
    user_agent = ExactCharField(_("user agent"), max_length=200, blank=True)
    #: SHA-256 of the name that the device keeps in a cookie; "" for a device without cookies.
    device_hash = models.CharField(max_length=64, blank=True, editable=False)

    objects: ClassVar[WrittenOut[Self]] = WrittenOut()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes: ClassVar = [models.Index(fields=["user", "ended_at"], name="phonebind_session_user")]

    def __str__(self) -> str:
        return f"{self.method}:{self.pk}"


class MobileProof(models.Model):
    """A user has proved that they hold a mobile: when first, and when last. A number belongs to one user at a time. The
    rows of former holders are *released*: ``current`` is null in them, and the unique constraint does not compare
    nulls.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mobile_proofs", verbose_name=_("user")
    )
    mobile = models.CharField(_("mobile"), max_length=11)
    #: The strength and source of the last proof, in the format of ``SocialAccount.proved_by``.
    proved_by = models.CharField(_("proved by"), max_length=PROVED_BY_LENGTH, blank=True)
    first_proved_at = models.DateTimeField(_("first proved at"))
    #: A proof that may be a new owner's does not change this.
    last_proved_at = models.DateTimeField(_("last proved at"))
    #: Until this time the number may belong to a new owner.
    doubtful_until = models.DateTimeField(_("doubtful until"), null=True, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    #: "new_owner", "changed" or "carrier".
    reason = models.CharField(_("released by"), max_length=16, blank=True)
    current = models.BooleanField(null=True, default=True, editable=False)

    objects: ClassVar[WrittenOut[Self]] = WrittenOut()

    class Meta:
        verbose_name = _("proof of a mobile")
        verbose_name_plural = _("proofs of mobiles")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mobile", "current"], name="phonebind_one_holder"),
        ]

    def __str__(self) -> str:
        return f"{self.mobile}:{self.user_id}"


class MobileChange(models.Model):
    """A proved new mobile that waits, because the old one was not proved. Any sign-in is enough to cancel it."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    mobile = models.CharField(_("new mobile"), max_length=11)
    requested_at = models.DateTimeField(_("requested at"))
    due_at = models.DateTimeField(_("due at"), db_index=True)

    class Meta:
        verbose_name = _("change of mobile")
        verbose_name_plural = _("changes of mobile")

    def __str__(self) -> str:
        return f"{self.mobile}:{self.user_id}"
