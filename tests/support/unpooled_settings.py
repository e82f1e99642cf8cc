"""The demo with Django's own PostgreSQL backend, which keeps a connection for each thread: as many hosts have it."""

from server.settings import *  # noqa: F403
from server.settings import DATABASES

DATABASES["default"] |= {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 60}
DATABASES["default"]["OPTIONS"].pop("pool")
