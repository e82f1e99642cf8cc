"""A host's Celery app. Its broker is ``CELERY_BROKER_URL``. Its defaults are the ones that would send an SMS twice."""

from celery import Celery

app = Celery("shop")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_send_sent_event=True,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=True,
)
app.autodiscover_tasks(["phonebind"])
