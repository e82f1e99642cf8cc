"""The ASGI application: ``server.asgi:application``. It does not load if Django's checks find an error."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connections

from phonebind.asgi import BoundedBodies, BoundedThreads, utf8
from server.prepare import check_in_worker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

check_in_worker()
for database in connections.settings.values():
    # Under ASGI each request has its own thread. A connection that stays with the thread would never be used again.
    database["CONN_MAX_AGE"] = 0
application = BoundedBodies(
    BoundedThreads(utf8(get_asgi_application()), most=settings.THREADS),
    most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    seconds=settings.REQUEST_DEADLINE,
)
