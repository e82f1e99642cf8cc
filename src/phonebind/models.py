"""SocialAccount: one identity at one provider, bound to one user."""

import functools
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from phonebind.databases import primary
from phonebind.mobiles import MOBILE_PATTERN, validate_mobile

# Migrations and hosts import these names from this module.
__all__ = ["MOBILE_PATTERN", "MobileUser", "SocialAccount", "release_connection", "validate_mobile"]


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """Compares byte for byte on every database.

    The default collations of MySQL and MariaDB treat "a" and "A" (and "é") as equal, and so would mix up two people:
    CVE-2024-32879. SQLite and PostgreSQL are exact by default.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


#: ``SocialAccount.proved_by`` where the person was signed in already and asked for the bind.
UNPROVED = "none"


class SocialAccountManager(models.Manager["SocialAccount"]):
    def find(self, *, provider: str, app_id: str, openid: str) -> "SocialAccount | None":
        """The binding of one identity, with its user, in one statement. Fields that only the admin shows are deferred.

        Each sign-in runs it. The ORM takes several times as long to compose the statement as the database to answer it,
        so it is composed once.
        """
        database, model = self._db or primary(self.model), get_user_model()
        connection, statement = connections[database], _find_statement(database, model)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, [provider, app_id, openid])
            row = cursor.fetchone()
        if row is None:
            return None
        pk, unionid, *values = row
        for index, (converters, expression) in statement.converters.items():
            for convert in converters:
                values[index] = convert(values[index], expression, connection)
        user = model.from_db(database, statement.names, values)
        known = [pk, user.pk, provider, app_id, openid, unionid]
        account = self.model.from_db(database, ["id", "user_id", "provider", "app_id", "openid", "unionid"], known)
        account.user = user
        return account


class _Statement(NamedTuple):
    sql: str
    #: The user's fields, in order. Fields that a model inherits through another table are not among them.
    names: list[str]
    #: Convert the database's values to Python's, where they differ. By position, as in Django's compiler.
    converters: dict[int, Any]


@functools.cache
def _find_statement(alias: str, model: Any) -> _Statement:
    quote = connections[alias].ops.quote_name
    user, account = model._meta.concrete_model._meta, quote(SocialAccount._meta.db_table)
    fields = user.local_concrete_fields
    compiler = model._base_manager.using(alias).query.get_compiler(alias)
    columns = [field.get_col(user.db_table) for field in fields]
    written = [column.select_format(compiler, *compiler.compile(column))[0] for column in columns]
    sql = (
        f"SELECT {account}.id, {account}.unionid, {', '.join(written)} FROM {account} "  # noqa: S608 - names, quoted
        f"INNER JOIN {quote(user.db_table)} ON {quote(user.db_table)}.{quote(user.pk.column)} = {account}.user_id "
        f"WHERE {account}.provider = %s AND {account}.app_id = %s AND {account}.openid = %s"
    )
    return _Statement(sql, [field.attname for field in fields], compiler.get_converters(columns))


def release_connection() -> None:
    """Give a pooled connection back before a wait for another server: there are fewer connections than threads."""
    connection: Any = connections[primary(SocialAccount)]
    if getattr(connection, "pool", None) and not connection.in_atomic_block:
        connection.close()


class SocialAccount(models.Model):
    """A binding: one identity at one provider belongs to one user.

    ``provider`` is the family, such as "wechat", for all kinds. ``openid`` is the person's id in our app ``app_id``.
    ``unionid`` is the person's id in all apps of one developer; it is null until the provider tells it. ``proved_by``
    says what proved the mobile: "sms", "carrier:aliyun", "quick:wechat", "none" or "" (not known).
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="social_accounts",
        verbose_name=_("user"),
    )
    provider = ExactCharField(_("provider"), max_length=32)
    app_id = ExactCharField(_("app id"), max_length=255)
    openid = ExactCharField(max_length=255)
    unionid = ExactCharField(max_length=255, null=True, blank=True)  # null if unknown: "" would be an id
    #: Exact too: its character set can store 小明 and 🦊, whatever the database's default is.
    nickname = ExactCharField(_("nickname"), max_length=32, blank=True)
    #: What proved the mobile: "sms", "carrier:aliyun", "quick:wechat"; UNPROVED if nothing did; "" if it is unknown.
    proved_by = models.CharField(_("mobile proved by"), max_length=32, blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects: ClassVar[SocialAccountManager] = SocialAccountManager()

    class Meta:
        verbose_name = _("social account")
        verbose_name_plural = _("social accounts")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "app_id", "openid"], name="phonebind_one_owner"),
        ]
        indexes: ClassVar = [models.Index(fields=["provider", "unionid"], name="phonebind_unionid")]

    def __str__(self) -> str:
        return f"{self.provider}:{self.openid}"

    def same_person(self) -> models.QuerySet["SocialAccount"]:
        """This row, and rows of the same user and provider that are, or may be, the same person in another app.

        Two unionids, or two openids in one app, are two persons.
        """
        others = models.Q() if self.unionid is None else models.Q(unionid=None) | models.Q(unionid=self.unionid)
        elsewhere = ~models.Q(app_id=self.app_id) & others
        rows = SocialAccount._base_manager.using(primary(SocialAccount, instance=self))
        return rows.filter(models.Q(pk=self.pk) | elsewhere, user=self.user_id, provider=self.provider)


@receiver(pre_delete, sender=SocialAccount)
def _lock_person(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    """No other row may be made from one of these meanwhile (``binding._adopt``, which locks them in the same order)."""
    list(instance.same_person().using(using).select_for_update().order_by("pk").values_list("pk"))


@receiver(post_delete, sender=SocialAccount)
def _release_person(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    """Delete the same person's rows in other apps too. Otherwise the next sign-in there would bring this one back."""
    instance.same_person().using(using).delete()


class MobileUser(AbstractUser):
    """Django's ``AbstractUser`` with a unique mobile number. Inherit from it, or give your own model such a field."""

    mobile = models.CharField(
        _("mobile"), max_length=11, unique=True, null=True, blank=True, validators=[validate_mobile]
    )

    class Meta(AbstractUser.Meta):
        abstract = True
