"""The ASGI application: ``server.asgi:application``. It does not load where Django's checks find an error."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from phonebind.asgi import BoundedBodies, utf8
from server.prepare import check

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

check()
application = BoundedBodies(
    utf8(get_asgi_application()),
    most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    seconds=settings.REQUEST_DEADLINE,
)
