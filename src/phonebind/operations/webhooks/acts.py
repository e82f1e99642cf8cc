"""Turns changes to accounts into messages, in the transaction of the change. Changes by the host are included."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_save

from phonebind import accounts, databases, signals
from phonebind.conf import conf
from phonebind.models import SocialAccount
from phonebind.operations import webhooks
from phonebind.operations.webhooks import outbox

_BEFORE = "_phonebind_before"
#: The types that a save can cause.
_CHANGES = ("account-enabled", "account-disabled", "identifier-changed")


def install() -> None:
    """Connect the receivers for changes to accounts, by phonebind or by other code."""
    signals.committing.connect(_on_act, dispatch_uid="phonebind.operations.acts")
    # No sender: a proxy or a child of the user model is saved under its own class.
    pre_save.connect(_before_save, dispatch_uid="phonebind.operations.acts.before_save")
    post_save.connect(_on_save, dispatch_uid="phonebind.operations.acts.save")
    post_delete.connect(_on_unbind, sender=SocialAccount, dispatch_uid="phonebind.operations.acts.unbind")
    # Always with a sender. Without one, Django would load each row of every table before deleting it.
    for model in apps.get_models():
        if model._meta.concrete_model is get_user_model():
            post_delete.connect(_on_purge, sender=model, dispatch_uid="phonebind.operations.acts.purge")


def _on_act(act: str, facts: Sequence[Mapping[str, Any]], using: str, **kwargs: Any) -> None:
    outbox.write(act, facts, using)


def _before_save(instance: Any, using: str, raw: bool, update_fields: Any, **kwargs: Any) -> None:
    """Remember the old state of the user, if an endpoint wants to know about changes."""
    if raw or not isinstance(instance, get_user_model()) or instance._state.adding:
        return
    if _is_saved(instance, "is_active", update_fields) or _is_saved(instance, conf.mobile_field, update_fields):
        before = databases.people().filter(pk=instance.pk).first() if webhooks.wanting(*_CHANGES) else None
        setattr(instance, _BEFORE, before)


def _on_save(instance: Any, created: bool, using: str, raw: bool, update_fields: Any, **kwargs: Any) -> None:
    if raw or not isinstance(instance, get_user_model()):
        return
    facts = {"user_id": instance.pk, "identifier": "mobile"}
    if created:
        outbox.write("account-created", [facts], using)
    before: Any = instance.__dict__.pop(_BEFORE, None)
    if before is None:
        return
    if _is_saved(instance, "is_active", update_fields) and before.is_active != instance.is_active:
        outbox.write("account-enabled" if instance.is_active else "account-disabled", [facts], using)
    if _is_saved(instance, conf.mobile_field, update_fields) and accounts.mobile_of(before) != accounts.mobile_of(
        instance
    ):
        outbox.write("identifier-changed", [facts], using)


def _is_saved(instance: Model, name: str, update_fields: Any) -> bool:
    if name in {field.name for field in instance._meta.concrete_fields}:
        return update_fields is None or name in update_fields
    # A property is computed from other fields, so any save may change it. If it is no property, no row stores it:
    # Django's base class defines ``is_active = True`` for all users.
    return isinstance(getattr(type(instance), name, None), property)


def _on_purge(instance: Any, using: str, **kwargs: Any) -> None:
    outbox.write("account-purged", [{"user_id": instance.pk}], using)


def _on_unbind(instance: SocialAccount, using: str, **kwargs: Any) -> None:
    facts = {"user_id": instance.user_id, "provider": instance.provider, "identity": instance.pk}
    outbox.write("identity-unbound", [facts], using)
