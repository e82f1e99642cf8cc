"""SocialAccount: one identity at one provider, bound to one user."""

import functools
from typing import Any, ClassVar, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import gettext_lazy as _

#: Mainland China mobile numbers. ``[0-9]`` and ``\Z``, since ``\d`` takes any script's digits and ``$`` a newline.
MOBILE_PATTERN = r"\A1[3-9][0-9]{9}\Z"

validate_mobile = RegexValidator(MOBILE_PATTERN, _("Enter a mobile number of 11 digits."))


class ExactCharField(models.CharField):  # type: ignore[type-arg]
    """Compares byte for byte on every database.

    MySQL's and MariaDB's default collations take "a" and "A" (and "é") for the same, and so one person for another:
    CVE-2024-32879. SQLite and PostgreSQL are exact as they come.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


class SocialAccountManager(models.Manager["SocialAccount"]):
    def find(self, *, provider: str, app_id: str, openid: str) -> "SocialAccount | None":
        """The binding of one identity, with its user, in one statement; what only the admin shows comes when asked for.

        Each sign-in asks it, and the ORM takes several times as long to compose it as the database to answer it: so it
        is composed once.
        """
        statement = _find_statement(self.db)
        with connections[self.db].cursor() as cursor:
            cursor.execute(statement.sql, [provider, app_id, openid])
            row = cursor.fetchone()
        if row is None:
            return None
        pk, unionid, *values = next(statement.compiler.apply_converters([row], statement.converters))
        user = get_user_model().from_db(self.db, statement.names, values)
        known = [pk, user.pk, provider, app_id, openid, unionid]
        account = self.model.from_db(self.db, ["id", "user_id", "provider", "app_id", "openid", "unionid"], known)
        account.user = user
        return account


class _Statement(NamedTuple):
    sql: str
    #: Of the user's fields, in their order; what a model inherits by a table of its own is not among them.
    names: list[str]
    compiler: SQLCompiler
    converters: dict[int, Any]


@functools.cache
def _find_statement(alias: str) -> _Statement:
    quote = connections[alias].ops.quote_name
    model: Any = get_user_model()._meta.concrete_model
    user, account = model._meta, SocialAccount._meta
    fields = user.local_concrete_fields
    columns = ["a.id", "a.unionid", *(f"u.{quote(field.column)}" for field in fields)]
    sql = (
        f"SELECT {', '.join(columns)} FROM {quote(account.db_table)} a "  # noqa: S608 - names, quoted
        f"INNER JOIN {quote(user.db_table)} u ON u.{quote(user.pk.column)} = a.user_id "
        "WHERE a.provider = %s AND a.app_id = %s AND a.openid = %s"
    )
    compiler = model._base_manager.using(alias).query.get_compiler(alias)
    converters = compiler.get_converters([None, None, *(field.get_col(user.db_table) for field in fields)])
    return _Statement(sql, [field.attname for field in fields], compiler, converters)


class SocialAccount(models.Model):
    """Which user owns the identity ``openid``, as ``provider`` names people to our app ``app_id``.

    ``unionid`` is the same person's id across all apps of one developer, where the provider tells it; it may come to be
    known only later, and is empty (null) until then.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="social_accounts",
        verbose_name=_("user"),
    )
    provider = ExactCharField(_("provider"), max_length=32)
    app_id = ExactCharField(_("app id"), max_length=128)
    openid = ExactCharField(max_length=128)
    unionid = ExactCharField(max_length=128, null=True, blank=True)  # empty is null: "" would be an id
    #: Exact too, since that is a character set with room for 小明 and 🦊 whatever the database's own is.
    nickname = ExactCharField(_("nickname"), max_length=32, blank=True)
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


class MobileUser(AbstractUser):
    """Django's own user with a unique mobile number; inherit from it, or give your own model such a field."""

    mobile = models.CharField(
        _("mobile"), max_length=11, unique=True, null=True, blank=True, validators=[validate_mobile]
    )

    class Meta(AbstractUser.Meta):
        abstract = True
