"""Celery's ``app.autodiscover_tasks()`` imports this module in every project that uses Celery."""

import logging

logger = logging.getLogger(__name__)

try:
    from phonebind import sms_tasks  # noqa: F401 - the import registers the task
except ImportError as error:
    # Most projects use Celery for other work and lack the packages to send SMS with it. Their workers must still start.
    logger.info("Celery sends no SMS here: %s", error)
