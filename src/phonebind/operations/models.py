"""What happened, as rows; and what services elsewhere are still to be told."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SecurityEvent(models.Model):
    """One record of the audit trail (``phonebind.audit``), one SMS given to a gateway, or one act of an operator.

    Only ever added, and deleted when it is old. No foreign keys: a row outlives the user whom it is about.
    """

    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    #: The action of the audit record; "sms_attempt"; or "operator".
    type = models.CharField(_("type"), max_length=32)
    outcome = models.CharField(_("outcome"), max_length=40)
    #: How many this row stands for: refusals of a flood are counted together.
    count = models.PositiveIntegerField(_("count"), default=1)
    #: What a code was for; "" elsewhere.
    purpose = models.CharField(_("purpose"), max_length=32, blank=True, default="")
    provider = models.CharField(_("provider"), max_length=32, blank=True, default="")
    #: Of an SMS, by its name in the settings.
    gateway = models.CharField(_("gateway"), max_length=64, blank=True, default="")
    #: The primary key of the user as text, since it may be a number or a UUID.
    user_id = models.CharField(_("user id"), max_length=64, blank=True, default="")
    #: Of the operator who did it.
    actor_id = models.CharField(_("operator id"), max_length=64, blank=True, default="")
    #: 138****0001.
    mobile = models.CharField(_("mobile"), max_length=16, blank=True, default="")
    #: HMAC-SHA256 of the whole number, in hex: it can be searched for and not read.
    mobile_hmac = models.CharField(max_length=64, blank=True, default="", editable=False)
    address = models.CharField(_("address"), max_length=64, blank=True, default="")
    limit = models.CharField(_("limit"), max_length=48, blank=True, default="")
    cause = models.CharField(_("cause"), max_length=128, blank=True, default="")
    session_id = models.CharField(_("session id"), max_length=64, blank=True, default="")
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    #: What else there is to say: an operator's reason, how long a gateway took.
    data: Any = models.JSONField(_("more"), default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes: ClassVar = [
            models.Index(fields=["mobile_hmac", "at"], name="phonebind_event_mobile"),
            models.Index(fields=["user_id", "at"], name="phonebind_event_user"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.outcome}"


class OutboxMessage(models.Model):
    """One webhook to one endpoint: written in the transaction of the act that it tells of, sent until it is taken."""

    #: What the receiver knows it by, however often it comes (``webhook-id``).
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.CharField(_("endpoint"), max_length=64)
    type = models.CharField(_("type"), max_length=64)
    payload: Any = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    #: When it is tried next; empty where it never is again.
    due_at = models.DateTimeField(_("due at"), default=timezone.now, null=True, blank=True, db_index=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    #: What the last try came to: a status, or a word.
    last_error = models.CharField(_("last error"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
