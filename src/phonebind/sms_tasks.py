"""The task by which Celery's workers send SMS."""

from typing import Any

from phonebind import sms_codes
from phonebind.sms import Message, delivery, queue

try:
    from celery import shared_task
    from celery.signals import task_revoked
except ImportError as error:
    raise ImportError("Celery is not installed: pip install 'phonebind[celery]'") from error


# Independent of the host's defaults. The task is acknowledged before it begins, so no worker starts it again if this
# one is killed. Only phonebind itself retries.
@shared_task(  # type: ignore[untyped-decorator]  # Celery has no types
    name=queue.TASK,
    acks_late=False,
    reject_on_worker_lost=False,
    ignore_result=True,
    store_errors_even_if_ignored=False,
    max_retries=0,
    serializer="json",
)
def send_sms(message_id: str, number: int) -> None:
    """Send a message from the queue, and delete its code if it was not sent."""
    _withdraw(delivery.deliver(message_id, number))


@task_revoked.connect(dispatch_uid="phonebind")  # type: ignore[untyped-decorator]
def throw_away(request: Any, expired: bool, **kwargs: Any) -> None:
    """Celery drops expired tasks itself, so the task above does not run. Delete the code here."""
    if expired and request.task == queue.TASK:
        _withdraw(delivery.late(*request.args))


def _withdraw(unsent: Message | None) -> None:
    if unsent:
        sms_codes.withdraw(unsent.mobile, unsent.code, unsent.purpose)
