"""Models: events, and webhook messages that are not delivered yet."""

import secrets
import time
import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def message_id(milliseconds: int | None = None) -> uuid.UUID:
    """A UUID of version 7. It is ordered by time: new rows go to the end of the index, and old rows are found there
    quickly.

    ``milliseconds`` since 1970. The default is now.
    """
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return uuid.UUID(int=stamp << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62))


class SecurityEvent(models.Model):
    """One audit record (``phonebind.audit``), one SMS given to a gateway, or one act of an operator.

    Rows are added, and deleted when they are old. They are never changed. There are no foreign keys: a row outlives the
    user it describes.
    """

    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    #: The action of the audit record, "sms_attempt" or "operator".
    type = models.CharField(_("type"), max_length=32)
    outcome = models.CharField(_("outcome"), max_length=40)
    #: How many events this row stands for. The refusals in a flood are counted together.
    count = models.PositiveIntegerField(_("count"), default=1)
    #: The purpose of an SMS; "" for other events.
    purpose = models.CharField(_("purpose"), max_length=32, blank=True, default="")
    provider = models.CharField(_("provider"), max_length=32, blank=True, default="")
    #: The gateway of an SMS, by its name in the settings.
    gateway = models.CharField(_("gateway"), max_length=64, blank=True, default="")
    #: The primary key of the user as text, because it may be a number or a UUID.
    user_id = models.CharField(_("user id"), max_length=64, blank=True, default="")
    #: The user id of the operator who did the act.
    actor_id = models.CharField(_("operator id"), max_length=64, blank=True, default="")
    #: Masked, such as 138****0001.
    mobile = models.CharField(_("mobile"), max_length=16, blank=True, default="")
    #: HMAC-SHA256 of the whole number, in hex. It can be searched for, but not read.
    mobile_hmac = models.CharField(max_length=64, blank=True, default="", editable=False)
    address = models.CharField(_("address"), max_length=64, blank=True, default="")
    limit = models.CharField(_("limit"), max_length=48, blank=True, default="")
    cause = models.CharField(_("cause"), max_length=128, blank=True, default="")
    session_id = models.CharField(_("session id"), max_length=64, blank=True, default="")
    request_id = models.CharField(_("request id"), max_length=64, blank=True, default="")
    #: More data: the operator's name and reason, and the state before and after.
    data: Any = models.JSONField(_("more"), default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        #: There is no permission to add, change or delete events. The permissions below belong to a person's page, and
        #: also need "view".
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
    """A model without a table and permissions. It gives the charts a place in the admin."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("charts")
        verbose_name_plural = _("charts")


class OutboxMessage(models.Model):
    """One webhook to one endpoint. Written in the transaction of the change it reports, and sent until the endpoint
    accepts it.
    """

    #: The receiver recognises a repeated message by this id (``webhook-id``).
    id = models.UUIDField(primary_key=True, default=message_id, editable=False)
    #: The endpoint's name in the settings.
    endpoint = models.CharField(_("endpoint"), max_length=64)
    type = models.CharField(_("type"), max_length=64)
    #: ``data`` in the message.
    payload: Any = models.JSONField(_("payload"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    #: When the message is tried next, by the database's clock. During a try: when another sender may take the message
    #: over. Empty if it will never be tried again: it was accepted or given up.
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    #: The result of the last try: an HTTP status or a word; "" during a try.
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
    """An endpoint that fails. The row exists while the endpoint fails, and after it has answered 410 (gone).

    To make the endpoint be tried at once, delete the row.
    """

    name = models.CharField(_("endpoint"), max_length=64, primary_key=True)
    #: How many tries in a row have failed.
    failures = models.PositiveIntegerField(_("failures"), default=0)
    #: No message is sent to the endpoint before this time, by the database's clock.
    rests_until = models.DateTimeField(_("rests until"), null=True, blank=True)
    #: When the endpoint answered 410. No message is sent to it any more.
    off_at = models.DateTimeField(_("off since"), null=True, blank=True)

    class Meta:
        verbose_name = _("failing webhook endpoint")
        verbose_name_plural = _("failing webhook endpoints")

    def __str__(self) -> str:
        return self.name
