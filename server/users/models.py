"""The user of the reference server: Django's own, with a mobile number."""

from phonebind.models import MobileUser


class User(MobileUser):
    """All a host needs to begin with; its own fields go here."""

    class Meta(MobileUser.Meta):
        pass
