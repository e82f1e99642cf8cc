"""Django's own user, with a mobile."""
