"""The user of the reference server: Django's user with a mobile number."""

from phonebind.models import MobileUser


class User(MobileUser):
    """The minimum for a host. Add your own fields here."""

    class Meta(MobileUser.Meta):
        pass
