from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UsersConfig(AppConfig):
    name = "server.users"
    # As Django's own catalogue has it, in each of its languages.
    verbose_name = _("users")
