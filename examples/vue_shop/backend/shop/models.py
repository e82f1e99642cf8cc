from phonebind.models import MobileUser


class User(MobileUser):
    """Django's own user, with a unique mobile number."""
