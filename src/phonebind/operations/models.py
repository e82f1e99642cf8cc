"""What happened, as rows; and what services elsewhere are still to be told."""

import secrets
import time
import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def message_id(milliseconds: int | None = None) -> uuid.UUID:
    """A UUID of version 7: by time, so that rows are added at the end of the index, and found there when they are old.

    ``milliseconds`` since 1970: now, where there are none.
    """
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return uuid.UUID(int=stamp << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


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
    #: What else there is to say: an operator's name and reason, and what was before and after.
    data: Any = models.JSONField(_("more"), default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        #: Nobody adds, changes or deletes one. The others are of a person's page, and need "view" besides.
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("see_mobile", "Can see whole mobile numbers on a person's page"),
            ("end_sessions", "Can end all sessions of a person"),
            ("unbind_identity", "Can unbind an identity of a person"),
            ("unbind_last_identity", "Can unbind the last way into an account"),
            ("lift_limit", "Can lift a limit of a person"),
            ("release_number", "Can release the mobile number of a person"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["mobile_hmac", "at"], name="phonebind_event_mobile"),
            models.Index(fields=["user_id", "at"], name="phonebind_event_user"),
            models.Index(fields=["address", "at"], name="phonebind_event_address"),
            models.Index(fields=["type", "at"], name="phonebind_event_type"),
            models.Index(fields=["request_id"], name="phonebind_event_request"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.outcome}"


class Charts(SecurityEvent):
    """No table, and no permissions: the place of the charts in the admin."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("charts")
        verbose_name_plural = _("charts")


class OutboxMessage(models.Model):
    """One webhook to one endpoint: written in the transaction of the act that it tells of, sent until it is taken."""

    #: What the receiver knows it by, however often it comes (``webhook-id``).
    id = models.UUIDField(primary_key=True, default=message_id, editable=False)
    #: By its name in the settings.
    endpoint = models.CharField(_("endpoint"), max_length=64)
    type = models.CharField(_("type"), max_length=64)
    #: The message's ``data``.
    payload: Any = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    #: By the database's clock, when it is tried next: while it is being sent, when another sender may take it over.
    #: Empty where it never is again: it was taken, or given up.
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    #: What the last try came to: a status, or a word; "" while it is being sent.
    last_error = models.CharField(_("last error"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["endpoint", "due_at"], name="phonebind_outbox_due")]
        permissions: ClassVar = [("resend_outboxmessage", "Can send webhook messages again")]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class WebhookEndpoint(models.Model):
    """An endpoint that fails: there is a row as long as it does, and where it said that it is gone. Delete the row, and
    it is tried at once.
    """

    name = models.CharField(_("endpoint"), max_length=64, primary_key=True)
    #: In a row.
    failures = models.PositiveIntegerField(_("failures"), default=0)
    #: By the database's clock: until then nothing is sent to it.
    rests_until = models.DateTimeField(_("rests until"), null=True, blank=True)
    #: It has answered 410: nothing is sent to it any more.
    off_at = models.DateTimeField(_("off since"), null=True, blank=True)

    class Meta:
        verbose_name = _("failing webhook endpoint")
        verbose_name_plural = _("failing webhook endpoints")

    def __str__(self) -> str:
        return self.name
