"""Where ``app.autodiscover_tasks()`` looks for Celery's tasks, in every project that has Celery."""

import logging

logger = logging.getLogger(__name__)

try:
    from phonebind import sms_tasks  # noqa: F401 - Celery knows its tasks from now on
except ImportError as error:
    # Most have Celery for work of their own, and not what sends SMS by it: their workers must start all the same.
    logger.info("Celery sends no SMS here: %s", error)
