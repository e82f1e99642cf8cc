"""Sessions, proofs of mobiles, and changes of mobile that wait."""

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
#: The parameters of a statement in their order, each with the name of the field that it is a value of.
Values: TypeAlias = Sequence[tuple[str, Any]]


class WrittenOut(models.Manager[Row]):
    """Statements of each refresh and sign-in. The ORM takes several times as long to compose one as the database to
    answer it, so they are written out.
    """

    def change(self, statement: str, values: Values) -> int:
        """Run ``UPDATE … SET statement``. How many rows that were."""
        connection = connections[self._db or primary(self.model)]
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {self._table(connection)} SET {statement}", self._prepared(connection, values))  # noqa: S608
            return int(cursor.rowcount)

    def one(self, condition: str, values: Values) -> Row | None:
        """The row for which the condition holds."""
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
    """One sign-in on one device, until it ends. Its refresh tokens are counted, not kept: ``seq`` is the newest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="phonebind_sessions",
        verbose_name=_("user"),
    )
    #: The identity that it began with, and the family of that: which outlives the identity.
    social_account = models.ForeignKey(
        SocialAccount, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("identity")
    )
    provider = models.CharField(_("provider"), max_length=32, blank=True)
    #: "provider", "password", "sms"; "refresh" for what began before the app was installed, "host" for the host's own.
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
    #: SHA-256 of what the device keeps in a cookie; "" for one that keeps none.
    device_hash = models.CharField(max_length=64, blank=True, editable=False)

    objects: ClassVar[WrittenOut[Self]] = WrittenOut()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes: ClassVar = [models.Index(fields=["user", "ended_at"], name="phonebind_session_user")]

    def __str__(self) -> str:
        return f"{self.method}:{self.pk}"


class MobileProof(models.Model):
    """That a user has proved to hold a mobile: first, and last. A number is one user's at a time; the rows of those who
    had it before are *released*, and ``current`` is null in them, which no constraint compares.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mobile_proofs", verbose_name=_("user")
    )
    mobile = models.CharField(_("mobile"), max_length=11)
    #: The strength and source of the last proof, as ``SocialAccount.proved_by`` writes them.
    proved_by = models.CharField(_("proved by"), max_length=PROVED_BY_LENGTH, blank=True)
    first_proved_at = models.DateTimeField(_("first proved at"))
    #: Not moved by a proof that may be a new owner's.
    last_proved_at = models.DateTimeField(_("last proved at"))
    #: Until then the number may be somebody else's by now, for all that is known.
    doubtful_until = models.DateTimeField(_("doubtful until"), null=True, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)
    #: "new_owner", "changed", "carrier".
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
    """A new mobile that was proved and waits, since the old one was not: any way into the account cancels it."""

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
