from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    name = "server.users"
    # The text of Django's own catalogue, so that it is translated into each of Django's languages.
    verbose_name = _("users")
