"""SocialAccount: one identity at one provider, bound to one user."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
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
