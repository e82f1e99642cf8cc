"""The demo with Django's own PostgreSQL backend, which keeps a connection for each thread. Many hosts use it."""

from server.settings import *  # noqa: F403
from server.settings import DATABASES

DATABASES["default"] |= {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 60}
DATABASES["default"]["OPTIONS"].pop("pool")
