"""The ASGI application: ``server.asgi:application``. It does not load where Django's checks find an error."""

import os

from django.core.asgi import get_asgi_application

from server.prepare import check

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

check()
application = get_asgi_application()
