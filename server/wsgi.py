"""The WSGI application: ``server.wsgi:application``. It does not load if Django's checks find an error."""

import os

from django.core.wsgi import get_wsgi_application

from phonebind.wsgi import utf8
from server.prepare import check_in_worker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

check_in_worker()
application = utf8(get_wsgi_application())
